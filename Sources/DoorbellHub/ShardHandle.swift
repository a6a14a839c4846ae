internal import Dispatch
public import DoorbellCore

/// The way from the publishing thread to one event loop: batches go in on one thread and come out on the loop, in order.
///
/// At most ``maximumPending`` batches wait; then the publishing thread is held back until the loop has caught up, which slows
/// a drain to what the sockets can take and bounds memory.
public final class ShardHandle: Sendable {
    /// Batches. One batch is what one part of a tick was translated to.
    public static let maximumPending = 64

    private let room = DispatchSemaphore(value: ShardHandle.maximumPending)
    private let run: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let deliver: @Sendable ([Publication]) -> Void

    /// - Parameters:
    ///   - run: Executes a closure on the event loop, in the order of the calls. The loop must outlive the publisher.
    ///   - deliver: Hands a batch to the loop's ``HubShard``; called on the loop only.
    public init(
        run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
        deliver: @escaping @Sendable ([Publication]) -> Void
    ) {
        self.run = run
        self.deliver = deliver
    }

    /// Blocks while the bound is reached.
    func enqueue(_ batch: [Publication]) {
        room.wait()
        run { [self] in
            deliver(batch)
            room.signal()
        }
    }
}
