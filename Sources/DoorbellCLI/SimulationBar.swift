import DoorbellCore
import DoorbellSimulate

/// Shows on standard error how far a simulation is: one line that changes on a terminal, a line for each step elsewhere.
final class SimulationBar: Sendable {
    private let line = TerminalLine()
    private let last = Locked("")

    func show(_ progress: SimulationProgress) {
        let step = "\(progress.phase): \(progress.activity)"
        let isNew = last.withLock { last in
            defer { last = step }
            return last != step
        }
        if line.isOn {
            line.write(progress.bar(width: (line.columns ?? 80) - 1))
        } else if isNew {
            Terminal.complain(step)
        }
    }

    /// Takes the line away.
    func end() { line.clear() }
}
