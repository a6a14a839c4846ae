import DoorbellServer
import NIOCore
import NIOHTTP1

/// How many requests one event loop may have open at the legacy API, and who waits for a place. Lives on that loop.
///
/// At most `capacity` places and `maximumWaiting` waiting requests, in the order of their coming; beyond that 503 at once.
///
/// A request whose body has not ended may take any time, as its client likes. Such *open* requests have half of the places and a queue
/// of their own, so any number of clients that send slowly leave the other half to polls and to whoever has said what it wants.
final class UpstreamSlots {
    final class Waiting {
        /// `nil` once it is over, which lets go of the client.
        private var calls: (start: () -> Void, fail: (GatewayFailure) -> Void)?
        private weak var slots: UpstreamSlots?
        fileprivate var timeout: Scheduled<Void>?
        fileprivate private(set) var isOpen: Bool
        fileprivate var isOver: Bool { calls == nil }

        fileprivate init(
            slots: UpstreamSlots, isOpen: Bool, start: @escaping () -> Void,
            fail: @escaping (GatewayFailure) -> Void
        ) {
            self.slots = slots
            self.isOpen = isOpen
            self.calls = (start, fail)
        }

        /// The client went away.
        func cancel() { _ = end() }

        /// The request is whole now.
        func bodyEnded() {
            guard isOpen, !isOver else { return }
            isOpen = false
            slots?.becameWhole(self)
        }

        fileprivate func begin() { end()?.start() }
        fileprivate func fail(_ failure: GatewayFailure) { end()?.fail(failure) }

        private func end() -> (start: () -> Void, fail: (GatewayFailure) -> Void)? {
            guard let calls else { return nil }
            self.calls = nil
            timeout?.cancel()
            timeout = nil
            slots?.gaveUpWaiting(isOpen: isOpen)
            return calls
        }
    }

    private let capacity: Int
    private let openCapacity: Int
    private let maximumWaiting: Int
    private let waitTimeout: TimeAmount
    private(set) var inUse = 0
    /// Of those, by open requests.
    private(set) var openInUse = 0
    private var whole = Queue()
    private var open = Queue()

    private struct Queue {
        /// In the order of coming, with entries that are over or have changed queues and have not been passed over yet: at most twice
        /// as many as may wait, and as many again that have changed queues.
        var entries: CircularBuffer<Waiting> = []
        /// Entries that wait.
        var count = 0

        mutating func next(isOpen: Bool) -> Waiting? {
            while let entry = entries.popFirst() {
                if !entry.isOver, entry.isOpen == isOpen { return entry }
            }
            return nil
        }
    }

    init(capacity: Int, maximumWaiting: Int, waitTimeout: TimeAmount) {
        self.capacity = max(1, capacity)
        self.openCapacity = max(1, capacity / 2)
        self.maximumWaiting = max(0, maximumWaiting)
        self.waitTimeout = waitTimeout
    }

    /// Calls `start` with a place taken, now or later; give it back with ``release(isOpen:)``. Or calls `fail`.
    ///
    /// - Parameter isOpen: Whether the request's body has not ended.
    /// - Returns: To be cancelled, and told of the body's end, when there was no place yet.
    func acquire(
        isOpen: Bool = false, on loop: any EventLoop, start: @escaping () -> Void,
        fail: @escaping (GatewayFailure) -> Void
    ) -> Waiting? {
        if inUse < capacity, !isOpen || openInUse < openCapacity {
            inUse += 1
            if isOpen { openInUse += 1 }
            start()
            return nil
        }
        guard (isOpen ? open : whole).count < maximumWaiting else {
            fail(GatewayFailure(.serviceUnavailable, "too many requests wait for the legacy API"))
            return nil
        }
        let entry = Waiting(slots: self, isOpen: isOpen, start: start, fail: fail)
        let bound = NIOLoopBound(entry, eventLoop: loop)
        entry.timeout = loop.scheduleTask(in: waitTimeout) {
            bound.value.fail(GatewayFailure(.serviceUnavailable, "the legacy API had no free place in time"))
        }
        if isOpen { append(entry, to: &open) } else { append(entry, to: &whole) }
        return entry
    }

    private func append(_ entry: Waiting, to queue: inout Queue) {
        if queue.entries.count >= 2 * maximumWaiting {
            queue.entries.removeAll { $0.isOver || $0.isOpen != entry.isOpen }
        }
        queue.entries.append(entry)
        queue.count += 1
    }

    private func gaveUpWaiting(isOpen: Bool) {
        if isOpen { open.count -= 1 } else { whole.count -= 1 }
    }

    private func becameWhole(_ entry: Waiting) {
        open.count -= 1
        append(entry, to: &whole)
        admit()
    }

    /// The body of an open request that has a place has ended.
    func bodyEnded() {
        openInUse -= 1
        admit()
    }

    /// - Parameter isOpen: Whether the request's body has not ended.
    func release(isOpen: Bool = false) {
        inUse -= 1
        if isOpen { openInUse -= 1 }
        admit()
    }

    private func admit() {
        while inUse < capacity {
            if let next = whole.next(isOpen: false) {
                inUse += 1
                next.begin()
            } else if openInUse < openCapacity, let next = open.next(isOpen: true) {
                inUse += 1
                openInUse += 1
                next.begin()
            } else {
                return
            }
        }
    }
}

@available(*, unavailable)
extension UpstreamSlots: Sendable {}
