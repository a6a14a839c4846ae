/// What a part of the ledger counts: of one feature, cohort and path, in some time. Sums of them lose nothing.
public struct LedgerCounts: Sendable, Hashable {
    /// Polls answered, or messages pushed (one for each client that was told).
    public var requests: UInt64 = 0
    /// Of them: nothing new for the client.
    public var unchanged: UInt64 = 0
    /// The legacy API failed, or there was no answer.
    public var errors: UInt64 = 0
    /// From clients, heads and frames included.
    public var bytesUp: UInt64 = 0
    /// To clients, heads and frames included.
    public var bytesDown: UInt64 = 0
    /// Bodies of unchanged answers to requests without a tag.
    public var bytesTagsWouldSave: UInt64 = 0
    /// Requests to the legacy API that were made for it.
    public var originRequests: UInt64 = 0
    /// Subscriptions that came back after a loss.
    public var reconnects: UInt64 = 0
    /// Of clients that are pushed to and read too slowly.
    public var buffers = SendBuffers()
    /// Connections that were open, times seconds.
    public var connectionSeconds = 0.0
    /// Processor time of the service, as far as it can be told apart.
    public var cpuSeconds = 0.0
    /// From commit until a client was told.
    public var staleness = StalenessHistogram()

    public init() {}

    public var isEmpty: Bool { self == LedgerCounts() }

    public mutating func add(_ other: LedgerCounts) {
        requests &+= other.requests
        unchanged &+= other.unchanged
        errors &+= other.errors
        bytesUp &+= other.bytesUp
        bytesDown &+= other.bytesDown
        bytesTagsWouldSave &+= other.bytesTagsWouldSave
        originRequests &+= other.originRequests
        reconnects &+= other.reconnects
        buffers.add(other.buffers)
        connectionSeconds += other.connectionSeconds
        cpuSeconds += other.cpuSeconds
        staleness.add(other.staleness)
    }
}
