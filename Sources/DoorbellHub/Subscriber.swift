public import DoorbellCore

/// One connection, as its shard sees it. Lives on the shard's event loop; every call comes from there.
public protocol Subscriber: AnyObject {
    /// Queues one message for the client. May end its own subscriptions.
    ///
    /// - Returns: `false` when the send budget is spent and the message was not queued.
    func enqueue(_ message: EncodedMessage, of publication: Publication) -> Bool
    /// Everything due in this pass has been queued: write it out, in one go.
    func flush()
    /// A message on this subscription was not queued. Until ``HubShard/resume(_:on:limit:)`` has caught up, nothing more is told
    /// live on it.
    func fellBehind(on channel: ChannelName, feature: Feature)
}
