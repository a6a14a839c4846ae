internal import Dispatch
public import DoorbellCore

/// The way from the publishing thread to one event loop: batches go in on one thread and come out on the loop, in order.
///
/// Batches that wait together come out together, in one pass: the further a loop is behind, the more messages leave in one write.
/// At most ``maximumPending`` batches wait or are being told; then the publishing thread is held back until the loop has caught up,
/// which slows a drain to what the sockets can take and bounds memory.
public final class ShardHandle: Sendable {
    /// Batches. One batch is what one part of a tick was translated to.
    public static let maximumPending = 64

    private struct Waiting {
        var batches: [[Publication]] = []
        /// The loop has been told to look, or is in a pass and will look at its end.
        var isScheduled = false
    }

    private let room = DispatchSemaphore(value: ShardHandle.maximumPending)
    private let waiting = Locked(Waiting())
    private let run: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let deliver: @Sendable ([Publication], @escaping @Sendable () -> Void) -> Void

    /// - Parameters:
    ///   - run: Executes a closure on the event loop, in the order of the calls. The loop must outlive the publisher.
    ///   - deliver: Hands publications to the loop's ``HubShard``, which calls the closure once all have been told. Called on the loop
    ///     only, and not again before that.
    public init(
        run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
        deliver: @escaping @Sendable ([Publication], @escaping @Sendable () -> Void) -> Void
    ) {
        self.run = run
        self.deliver = deliver
    }

    /// Blocks while the bound is reached.
    func enqueue(_ batch: [Publication]) {
        room.wait()
        let isFirst = waiting.withLock { waiting in
            waiting.batches.append(batch)
            defer { waiting.isScheduled = true }
            return !waiting.isScheduled
        }
        if isFirst { run { self.pass() } }
    }

    /// Tells all that waits, on the loop.
    private func pass() {
        let batches = waiting.withLock { waiting in
            defer { waiting.batches = [] }
            waiting.isScheduled = !waiting.batches.isEmpty
            return waiting.batches
        }
        guard let first = batches.first else { return }
        deliver(batches.count == 1 ? first : batches.flatMap { $0 }) { [self] in
            for _ in batches { room.signal() }
            let isMore = waiting.withLock { waiting in
                waiting.isScheduled = !waiting.batches.isEmpty
                return waiting.isScheduled
            }
            // Not from here: whatever else the loop has to do comes in between.
            if isMore { run { self.pass() } }
        }
    }
}
