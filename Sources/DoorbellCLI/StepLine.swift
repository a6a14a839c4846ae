import DoorbellCore
import Foundation

/// One line on standard error, while it is a terminal: what a command is at, and for how long already.
final class StepLine: Sendable {
    private struct State {
        var step = ""
        var began = ContinuousClock.now
        var ticks: Task<Void, Never>?
    }

    private let line = TerminalLine()
    private let state = Locked(State())

    /// Takes the place of the step before.
    func begin(_ step: String) {
        guard line.isOn else { return }
        state.withLock { state in
            state.step = step
            state.began = .now
            state.ticks = state.ticks ?? Task { await self.tick() }
            show(state)
        }
    }

    /// Leaves nothing on the line.
    func end() {
        state.withLock { state in
            state.ticks?.cancel()
            state.ticks = nil
            line.clear()
        }
    }

    private func tick() async {
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            state.withLock { if $0.ticks != nil { show($0) } }
        }
    }

    private func show(_ state: State) {
        line.write(Self.text(state.step, after: Int((ContinuousClock.now - state.began) / .seconds(1))))
    }

    /// - Parameter seconds: Since it began.
    static func text(_ step: String, after seconds: Int) -> String {
        seconds > 0 ? "… \(seconds) s: \(step)" : "… \(step)"
    }
}
