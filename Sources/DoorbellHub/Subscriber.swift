public import DoorbellCore

/// One connection, as its shard sees it. Lives on the shard's event loop; every call comes from there.
public protocol Subscriber: AnyObject {
    /// Takes messages for the client. May end its own subscriptions.
    ///
    /// - Parameter isLast: Nothing else follows in this pass: what is taken may leave at once. Otherwise ``flush()`` is called at the end.
    /// - Returns: `false` when the send budget is spent and nothing was taken.
    func enqueue(_ run: MessageRun, isLast: Bool) -> Bool
    /// Everything due in this pass has been queued: write it out, in one go.
    func flush()
    /// Messages on this subscription were not taken. Until ``HubShard/resume(_:on:limit:)`` has caught up, nothing more is told
    /// live on it.
    func fellBehind(on channel: ChannelName, feature: Feature)
}
