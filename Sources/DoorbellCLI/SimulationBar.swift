import DoorbellCore
import DoorbellSimulate
import Foundation

/// Shows on standard error how far a simulation is: one line that changes on a terminal, a line for each step elsewhere.
final class SimulationBar: Sendable {
    private let isTerminal = isatty(2) == 1
    private let last = Locked("")

    func show(_ progress: SimulationProgress) {
        let step = "\(progress.phase): \(progress.activity)"
        let isNew = last.withLock { last in
            defer { last = step }
            return last != step
        }
        if isTerminal {
            write("\r" + progress.bar(width: Self.width) + "\u{1B}[K")
        } else if isNew {
            write("\(step)\n")
        }
    }

    /// Takes the line away.
    func end() {
        if isTerminal { write("\r\u{1B}[K") }
    }

    private static var width: Int {
        var size = winsize()
        return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) - 1 : 79
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
