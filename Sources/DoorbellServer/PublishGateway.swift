public import DoorbellCore
public import NIOCore

/// The way into the change log for what clients publish.
public protocol PublishGateway: Sendable {
    /// Writes the message into the log; it comes back from there like every change. Never blocks.
    ///
    /// - Returns: Succeeds, on `loop`, when it is committed; fails with ``WriteFailure``.
    func publish(_ message: DirectMessage, on channel: ChannelName, loop: any EventLoop) -> EventLoopFuture<Void>
}
