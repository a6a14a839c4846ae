public import DoorbellCore

/// Bounds of the whole hub.
public struct HubLimits: Sendable {
    /// Bytes of history over all channels (estimated); beyond it the oldest messages of the fullest channels leave first.
    /// Default 256 MiB.
    public var historyBytes: Int
    /// How long an empty channel is remembered after its last subscriber left, so that a quick return is recovered.
    /// Default 10 minutes.
    public var linger: Duration
    /// Empty channels that are remembered; beyond it the one that is empty for longest is forgotten. Default 100,000, some
    /// 300 bytes each: clients choose the names of public channels, and could otherwise have any number remembered.
    public var lingering: Int

    public init(historyBytes: Int = 256 << 20, linger: Duration = .seconds(600), lingering: Int = 100_000) {
        self.historyBytes = historyBytes
        self.linger = linger
        self.lingering = lingering
    }
}

public struct HubUsage: Sendable, Equatable {
    public var channels = 0
    public var subscriptions = 0
    public var messages = 0
    public var bytes = 0
}

/// From where a subscription wants to hear.
public enum Since: Sendable, Equatable {
    case latest
    case earliest
    case position(Position)
    /// A position that nobody gave out: nothing can be recovered.
    case unknown
}

/// What a subscription begins or goes on with.
public struct Joined: Sendable {
    /// Where the stream begins: the position asked for when it was recovered, else where the log stands now.
    public var position: Position
    /// Whether everything after the position asked for is in ``replay``, or will follow it. `false` for `latest`.
    public var recovered: Bool
    /// What was published after ``position``, oldest first.
    public var replay: [Publication]
    /// Whether ``replay`` is all that was published up to now. When not, the subscription is behind: ask for more with
    /// ``HubShard/resume(_:on:limit:)``.
    public var isComplete = true
    /// Publications up to here are in ``replay`` or not wanted: the shard drops them when they arrive late.
    public var joinedAt: Position
}
