public import DoorbellCore
public import DoorbellRollout

/// Is told what the server did: for the ledger, for a commentary. Called on event loops; must not block.
public protocol ServerObserver: Sendable {
    /// Publications were handed to the sockets of one loop. Not called when nobody was told.
    func delivered(_ delivery: PushDelivery)
    /// One client, which was behind, was told what it had missed while it was connected.
    func caughtUp(_ delivery: PushDelivery)
    /// A subscription began.
    func subscribed(_ subscription: PushSubscription)
    /// A subscription ended.
    ///
    /// - Parameters:
    ///   - isLast: The connection has no other to the feature.
    ///   - isLost: With its connection; otherwise somebody wanted it so.
    func unsubscribed(feature: Feature, cohort: Ledger.Cohort, isLast: Bool, isLost: Bool)
    /// A connection with `subscriptions` to the feature is told to use another way from now on.
    func moved(feature: Feature, to cohort: Ledger.Cohort, subscriptions: Int)
    /// Clients that are pushed the feature read too slowly.
    func buffered(feature: Feature, cohort: Ledger.Cohort, _ buffers: SendBuffers)
    /// What being pushed a feature cost one client besides messages: handshakes, signs of life, and questions to the legacy API.
    func pushing(feature: Feature, cohort: Ledger.Cohort, bytesUp: Int, bytesDown: Int, originRequests: Int)
}

/// Publications of one channel on their way to its subscribers on one event loop.
public struct PushDelivery: Sendable {
    /// Oldest first; never empty.
    public let publications: ArraySlice<Publication>
    /// How many were told all of them.
    public let subscribers: Int
    /// Of everything that was written for it.
    public let bytes: Int
    /// Those of them that are told to poll, and what was written to those.
    public let pollers: Ledger.Push
    /// When it was handed to the sockets.
    public let at: Timestamp
    /// The most bytes that then waited for one of them; 0: all sockets took everything.
    public let waitingBytes: Int

    public init(
        publications: ArraySlice<Publication>, subscribers: Int, bytes: Int, pollers: Ledger.Push = .nobody,
        at: Timestamp, waitingBytes: Int = 0
    ) {
        self.publications = publications
        self.subscribers = subscribers
        self.bytes = bytes
        self.pollers = pollers
        self.at = at
        self.waitingBytes = waitingBytes
    }
}

/// A subscription that has begun.
public struct PushSubscription: Sendable {
    public let feature: Feature
    /// What the client is told to use.
    public let cohort: Ledger.Cohort
    /// The connection had none to the feature.
    public let isFirst: Bool
    /// It goes on from the client's own position, after a loss.
    public let isResumed: Bool
    /// What the client sent for it, frames included.
    public let bytesUp: Int
    /// What it was answered: `subscribed` with its snapshot, and the replay.
    public let bytesDown: Int
}
