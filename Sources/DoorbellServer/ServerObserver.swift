public import DoorbellCore

/// Is told what the server did: for the ledger, for a commentary. Called on event loops; must not block.
public protocol ServerObserver: Sendable {
    /// Publications were handed to the sockets of one loop. Not called when nobody was told.
    func delivered(_ delivery: PushDelivery)
    /// A subscription began.
    ///
    /// - Parameters:
    ///   - bytesUp: What the client sent for it, frames included.
    ///   - bytesDown: What it was answered: `subscribed` with its snapshot, and the replay.
    func subscribed(feature: Feature, bytesUp: Int, bytesDown: Int)
    /// A subscription ended.
    ///
    /// - Parameter isLost: With its connection; otherwise somebody wanted it so.
    func unsubscribed(feature: Feature, isLost: Bool)
}

/// Publications of one channel on their way to its subscribers on one event loop.
public struct PushDelivery: Sendable {
    /// Oldest first; never empty.
    public let publications: ArraySlice<Publication>
    /// How many were told all of them.
    public let subscribers: Int
    /// Of everything that was written for it.
    public let bytes: Int
    /// When it was handed to the sockets.
    public let at: Timestamp

    public init(publications: ArraySlice<Publication>, subscribers: Int, bytes: Int, at: Timestamp) {
        self.publications = publications
        self.subscribers = subscribers
        self.bytes = bytes
        self.at = at
    }
}
