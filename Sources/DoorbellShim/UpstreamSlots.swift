import DoorbellServer
import NIOCore
import NIOHTTP1

/// How many requests one event loop may have open at the legacy API, and who waits for a place. Lives on that loop.
///
/// At most `capacity` places and `maximumWaiting` waiting requests, in the order of their coming; beyond that 503 at once.
final class UpstreamSlots {
    final class Waiting {
        /// `nil` once it is over, which lets go of the client.
        private var calls: (start: () -> Void, fail: (GatewayFailure) -> Void)?
        private weak var slots: UpstreamSlots?
        fileprivate var timeout: Scheduled<Void>?
        fileprivate var isOver: Bool { calls == nil }

        fileprivate init(
            slots: UpstreamSlots, start: @escaping () -> Void, fail: @escaping (GatewayFailure) -> Void
        ) {
            self.slots = slots
            self.calls = (start, fail)
        }

        /// The client went away.
        func cancel() { _ = end() }

        fileprivate func begin() { end()?.start() }
        fileprivate func fail(_ failure: GatewayFailure) { end()?.fail(failure) }

        private func end() -> (start: () -> Void, fail: (GatewayFailure) -> Void)? {
            guard let calls else { return nil }
            self.calls = nil
            timeout?.cancel()
            timeout = nil
            slots?.gaveUpWaiting()
            return calls
        }
    }

    private let capacity: Int
    private let maximumWaiting: Int
    private let waitTimeout: TimeAmount
    private(set) var inUse = 0
    /// In the order of coming, with entries that are over and have not been passed over yet: at most twice
    /// as many as may wait.
    private var waiting: CircularBuffer<Waiting> = []
    /// Entries that are not over.
    private var waitingCount = 0

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
        guard waitingCount < maximumWaiting else {
            fail(GatewayFailure(.serviceUnavailable, "too many requests wait for the legacy API"))
            return nil
        }
        let entry = Waiting(slots: self, start: start, fail: fail)
        let bound = NIOLoopBound(entry, eventLoop: loop)
        entry.timeout = loop.scheduleTask(in: waitTimeout) {
            bound.value.fail(GatewayFailure(.serviceUnavailable, "the legacy API had no free place in time"))
        }
        if waiting.count >= 2 * maximumWaiting { waiting.removeAll { $0.isOver } }
        waiting.append(entry)
        waitingCount += 1
        return entry
    }

    private func gaveUpWaiting() { waitingCount -= 1 }

    func release() {
        while let next = waiting.popFirst() {
            if next.isOver { continue }
            next.begin()
            return
        }
        inUse -= 1
    }
}

@available(*, unavailable)
extension UpstreamSlots: Sendable {}
