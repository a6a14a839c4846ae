/// A row of the ledger as the database has it.
public struct LedgerRow: Sendable, Hashable {
    /// Seconds since 1970 at which it began to be counted.
    public var start: Int64
    /// For so long.
    public var seconds: Int
    public var feature: String
    public var cohort: String
    public var path: String
    public var counts: LedgerCounts

    public init(start: Int64, seconds: Int, feature: String, cohort: String, path: String, counts: LedgerCounts) {
        self.start = start
        self.seconds = seconds
        self.feature = feature
        self.cohort = cohort
        self.path = path
        self.counts = counts
    }
}

/// What was used in an interval, as the database has it.
public struct LedgerUsageRow: Sendable, Hashable {
    /// Seconds since 1970.
    public var start: Int64
    public var seconds: Int
    public var usage: LedgerUsage

    public init(start: Int64, seconds: Int, usage: LedgerUsage) {
        self.start = start
        self.seconds = seconds
        self.usage = usage
    }
}
