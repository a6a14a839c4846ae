import Foundation

/// One line on standard error, while it is a terminal: how much was read, how fast, and how long it still takes.
struct ProgressBar {
    private static let width = 30
    private let start = ContinuousClock.now
    private var shown: ContinuousClock.Instant?
    private let line = TerminalLine()

    /// At most five times a second.
    mutating func show(bytes: Int64, total: Int64?) {
        guard line.isOn, shown.map({ ContinuousClock.now - $0 >= .milliseconds(200) }) ?? true else { return }
        shown = .now
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        line.write(Self.text(bytes, total, after: elapsed))
    }

    mutating func clear() {
        guard shown != nil else { return }
        line.clear()
        shown = nil
    }

    /// - Parameter elapsed: Seconds.
    static func text(_ bytes: Int64, _ total: Int64?, after elapsed: Double) -> String {
        let rate = elapsed > 0 ? Double(bytes) / elapsed : 0
        let speed = String(format: "%.0f MiB/s", rate / 1_048_576)
        guard let total, total > 0 else { return String(format: "%.0f MiB, %@", Double(bytes) / 1_048_576, speed) }
        let share = min(1, Double(bytes) / Double(total))
        let filled = Int(share * Double(width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        let left = rate > 0 ? max(0, Double(total - bytes)) / rate : 0
        let time = left >= 90 ? String(format: "%.0f min", left / 60) : String(format: "%.0f s", left)
        return "\(bar) \(Int(share * 100)) %, \(speed), \(time) left"
    }
}
