import Dispatch
import DoorbellCore

/// Lines for somebody who may not read them. They are written by a queue of its own, so nobody waits for the reader.
///
/// ``capacity`` lines may wait. From then on lines are dropped, until those that wait have been taken and it was said how many are missing.
final class LineQueue: Sendable {
    static let capacity = 256

    private struct State {
        var waiting = 0
        var dropped = 0
    }

    private let state = Locked(State())
    private let queue = DispatchQueue(label: "doorbell.lines")
    private let write: @Sendable (String) -> Void

    /// - Parameter write: Called on the queue with one line at a time; may block.
    init(write: @escaping @Sendable (String) -> Void = LineQueue.toStandardOutput) { self.write = write }

    /// Any thread; never waits.
    @Sendable func add(_ line: String) {
        let isKept = state.withLock { state in
            guard state.dropped == 0, state.waiting < Self.capacity else {
                state.dropped += 1
                return false
            }
            state.waiting += 1
            return true
        }
        if isKept { queue.async { [self] in take(line) } }
    }

    private func take(_ line: String) {
        write(line)
        let dropped = state.withLock { state in
            state.waiting -= 1
            guard state.waiting == 0 else { return 0 }
            defer { state.dropped = 0 }
            return state.dropped
        }
        if dropped > 0 { write("          … and \(dropped) line\(dropped == 1 ? "" : "s") while nobody read") }
    }

    /// A line that cannot be written is lost; the service goes on.
    static func toStandardOutput(_ line: String) { try? FileOutput.standardOutput.write(line + "\n") }
}
