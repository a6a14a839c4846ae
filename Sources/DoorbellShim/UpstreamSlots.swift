import DoorbellServer
import NIOCore
import NIOHTTP1

/// How many requests one event loop may have open at the legacy API, and who waits for a place. Lives on that loop.
///
/// At most `capacity` places and `maximumWaiting` waiting requests, in the order of their coming; beyond that 503 at once.
final class UpstreamSlots {
    final class Waiting {
        fileprivate let start: () -> Void
        fileprivate var isOver = false
        fileprivate var timeout: Scheduled<Void>?
        fileprivate init(start: @escaping () -> Void) { self.start = start }

        /// The client went away.
        func cancel() {
            isOver = true
            timeout?.cancel()
        }
    }

    private let capacity: Int
    private let maximumWaiting: Int
    private let waitTimeout: TimeAmount
    private(set) var inUse = 0
    private var waiting: CircularBuffer<Waiting> = []

    init(capacity: Int, maximumWaiting: Int, waitTimeout: TimeAmount) {
        self.capacity = max(1, capacity)
        self.maximumWaiting = max(0, maximumWaiting)
        self.waitTimeout = waitTimeout
    }

    /// Calls `start` with a place taken, now or later; give it back with ``release()``. Or calls `fail`.
    ///
    /// - Returns: To be cancelled, when there was no place yet.
    func acquire(
        on loop: any EventLoop, start: @escaping () -> Void, fail: @escaping (GatewayFailure) -> Void
    ) -> Waiting? {
        if inUse < capacity {
            inUse += 1
            start()
            return nil
        }
        guard waiting.count < maximumWaiting else {
            fail(GatewayFailure(.serviceUnavailable, "too many requests wait for the legacy API"))
            return nil
        }
        let entry = Waiting(start: start)
        let bound = NIOLoopBound((entry, fail), eventLoop: loop)
        entry.timeout = loop.scheduleTask(in: waitTimeout) {
            let (entry, fail) = bound.value
            guard !entry.isOver else { return }
            entry.isOver = true
            fail(GatewayFailure(.serviceUnavailable, "the legacy API had no free place in time"))
        }
        waiting.append(entry)
        return entry
    }

    func release() {
        while let next = waiting.popFirst() {
            if next.isOver { continue }
            next.isOver = true
            next.timeout?.cancel()
            next.start()
            return
        }
        inUse -= 1
    }
}

@available(*, unavailable)
extension UpstreamSlots: Sendable {}
