/// How a feed gets its data now.
public struct FeedStatus: Hashable, Sendable {
    public enum Transport: String, Sendable {
        /// It polls: told so, or push is not proven to work.
        case poll
        /// It is pushed to, and polls nothing.
        case push
    }

    public let transport: Transport
    /// Why, for people: `polling`, `connecting`, `silence`, `poll failed: HTTP 503` …
    public let reason: String

    public init(transport: Transport, reason: String) {
        self.transport = transport
        self.reason = reason
    }
}

/// What a feed has done so far.
public struct FeedStatistics: Hashable, Sendable {
    /// Polls that were sent, whatever for.
    public internal(set) var requests = 0
    /// Messages that were pushed.
    public internal(set) var messages = 0
    /// How often the state differed from a poll and was repaired.
    public internal(set) var drifts = 0
    /// In what fields, such as `items[].price`: at most 100, beside those that were found together with the last of them.
    public internal(set) var driftedFields: Set<String> = []

    public init() {}
}
