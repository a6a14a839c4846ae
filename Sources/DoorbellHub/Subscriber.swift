public import DoorbellCore

/// One connection, as its shard sees it. Lives on the shard's event loop; every call comes from there.
public protocol Subscriber: AnyObject {
    /// Queues one message for the socket. Must not call back into the shard.
    ///
    /// - Returns: `false` when the send budget is spent and the message was not queued.
    func enqueue(_ message: EncodedMessage) -> Bool
    /// Everything due in this pass has been queued: write it out, in one go.
    func flush()
    /// The send budget was spent on this subscription. By the feature's policy the subscriber closes itself, or tells
    /// `reset` when it can write again.
    func fellBehind(on channel: ChannelName, feature: Feature)
}
