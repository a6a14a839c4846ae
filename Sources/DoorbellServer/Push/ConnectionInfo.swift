/// One client that is pushed to, as an operator sees it. Without its URL, which may hold a secret.
public struct ConnectionInfo: Sendable, Equatable {
    /// The session's, as the client was told it.
    public let id: String
    /// `websocket` or `sse`.
    public let transport: String
    public let address: String?
    /// Who it is to the application, where a token says so.
    public let user: String?
    /// The beginning of the `User-Agent`.
    public let userAgent: String?
    public let seconds: Double
    public let subscriptions: Int
    /// Channels that are read on from history once the client reads.
    public let behind: Int
    /// Bytes that wait for the client beyond what the kernel has taken.
    public let bufferedBytes: Int
    /// How often one of its subscriptions fell behind.
    public var timesBehind = 0
    /// How often it was told `reset` for that.
    public var resets = 0
    /// Messages that it was not sent, because a newer one of the same row followed.
    public var conflated = 0
}

/// Some of a server's connections.
public struct ConnectionReport: Sendable, Equatable {
    /// Open connections of every kind, plain HTTP included.
    public let open: Int
    /// Those that are pushed to.
    public let pushed: Int
    /// Of the latter, those with the most bytes waiting; among equals the oldest first.
    public let connections: [ConnectionInfo]
}
