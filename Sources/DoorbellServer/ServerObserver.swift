public import DoorbellCore

/// Is told what the server did: for the ledger, for a commentary. Called on event loops; must not block.
public protocol ServerObserver: Sendable {
    /// One publication was queued for its subscribers on one loop. Not called when there were none.
    func delivered(_ delivery: PushDelivery)
    /// A subscription began.
    ///
    /// - Parameters:
    ///   - bytesUp: What the client sent for it, frames included.
    ///   - bytesDown: What it was answered: `subscribed` with its snapshot, and the replay.
    func subscribed(feature: Feature, bytesUp: Int, bytesDown: Int)
    /// A subscription ended.
    func unsubscribed(feature: Feature)
}

/// One publication on its way to the subscribers of one event loop.
public struct PushDelivery: Sendable {
    public let publication: Publication
    /// How many were told.
    public let subscribers: Int
    /// Of all frames together.
    public let bytes: Int
    /// When it was handed to the sockets.
    public let at: Timestamp

    public init(publication: Publication, subscribers: Int, bytes: Int, at: Timestamp) {
        self.publication = publication
        self.subscribers = subscribers
        self.bytes = bytes
        self.at = at
    }
}
