/// Bounds of one WebSocket connection.
public struct SessionLimits: Sendable, Equatable {
    /// Channels that one connection may be subscribed to, those being asked for included. Beyond it: error `limit`.
    /// Default 100.
    public var subscriptions: Int
    /// Questions to the legacy API that one connection may have open. Beyond it: error `limit`. Default 8.
    public var pendingAsks: Int
    /// Calls to the legacy API over the socket that one connection may have open. Beyond it: error `limit`. 0: none are taken. Default 16.
    public var openRequests: Int
    /// What such a call may set besides the usual ones, in lower case; see ``CallHeaders``. Default none.
    public var requestHeaders: Set<String> = []
    /// Client messages a second, on average; a connection may send ``messageBurst`` at once. Beyond it: close 4502.
    /// Default 50.
    public var messagesPerSecond: Double
    /// Default 200.
    public var messageBurst: Double
    /// Bytes of the data that a client publishes. Beyond it: error `limit`. Default 16 KiB; the log takes 64 KiB.
    public var publishSize: Int
    /// Messages of one connection that may be on their way into the log. Beyond it: error `limit`. Default 16.
    public var pendingPublishes: Int
    /// How often a ping is sent; nothing heard for twice as long closes the connection with 4001. Default 25 s, which keeps
    /// connections alive through proxies that cut at 60 s.
    public var heartbeat: Duration
    /// How often the legacy API is asked again whether a client may still poll what it is subscribed to, give or take a
    /// tenth. Checked at heartbeats. Default 5 minutes.
    public var reauthorize: Duration

    public init(
        subscriptions: Int = 100, pendingAsks: Int = 8, openRequests: Int = 16, messagesPerSecond: Double = 50,
        messageBurst: Double = 200, publishSize: Int = 16 << 10, pendingPublishes: Int = 16,
        heartbeat: Duration = .seconds(25), reauthorize: Duration = .seconds(300)
    ) {
        self.subscriptions = subscriptions
        self.pendingAsks = pendingAsks
        self.openRequests = openRequests
        self.messagesPerSecond = messagesPerSecond
        self.messageBurst = messageBurst
        self.publishSize = publishSize
        self.pendingPublishes = pendingPublishes
        self.heartbeat = heartbeat
        self.reauthorize = reauthorize
    }
}
