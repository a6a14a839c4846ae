/// What a gate decides from: what happened since its last conclusive check, as far as this process has seen it.
public struct GateEvidence: Sendable, Codable, Hashable {
    /// How long that was.
    public var seconds: Double
    public var parity: Parity.Counts
    public var polls: UInt64
    /// Of them: the legacy API answered with 5xx, or not at all.
    public var errors: UInt64
    /// Changes that polls showed first to somebody.
    public var changesPolled: UInt64
    /// Seconds; the 99th percentile. `nil`: no poll showed a change.
    public var pollStaleness: Double?
    /// Messages told, one for each client.
    public var changesPushed: UInt64
    /// Seconds; the 99th percentile. `nil`: nobody was told anything.
    public var pushStaleness: Double?
    /// Subscriptions that are open.
    public var connections: Int
    /// Subscriptions that ended.
    public var ended: UInt64

    public init(seconds: Double = 0, parity: Parity.Counts = Parity.Counts(), ledger: Ledger.Window = Ledger.Window()) {
        self.seconds = seconds
        self.parity = parity
        polls = ledger.polls
        errors = ledger.errors
        changesPolled = ledger.changesPolled
        pollStaleness = ledger.pollStaleness
        changesPushed = ledger.changesPushed
        pushStaleness = ledger.pushStaleness
        connections = ledger.connections
        ended = ledger.ended
    }
}
