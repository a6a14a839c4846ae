public import NIOCore
public import NIOSSL

/// Limits and waits of one ``DoorbellConnection``.
public struct ConnectionOptions: Sendable {
    /// Of one message, in bytes. A longer one ends the connection with 1009.
    public var maximumMessageSize = 1 << 20
    /// How many messages may wait to be taken out of ``DoorbellConnection/messages`` before reading from the socket stops.
    /// Reading goes on when half of them have been taken.
    public var maximumBufferedMessages = 256
    /// For names and TCP.
    public var connectTimeout = TimeAmount.seconds(10)
    /// For TLS and the upgrade together, once TCP is there.
    public var handshakeTimeout = TimeAmount.seconds(10)
    /// How long a close waits for the server's part of it.
    public var closeTimeout = TimeAmount.seconds(5)
    /// For `wss` and `https`. `nil`: the system's certificate authorities, hostnames verified. Share one among many
    /// connections: making a context is expensive.
    public var tls: NIOSSLContext?
    /// The size of one read from the socket, in bytes; it stays allocated while the connection lives. `nil`: grows and shrinks
    /// with what arrives (2 to 64 KiB). For many idle connections: 512.
    public var readSize: Int?
    /// Called with the new channel before anything is added to it: for handlers that stand nearest to the socket.
    package var prepare: (@Sendable (_ channel: any Channel) throws -> Void)?

    public init() {}
}
