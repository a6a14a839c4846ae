internal import Histogram

/// The ledger as figures: what `doorbell compare` shows.
public struct Comparison: Sendable, Codable, Equatable {
    public var rows: [Row]

    /// One feature, one way of being told.
    public struct Row: Sendable, Codable, Equatable {
        public var feature: String
        public var path: Ledger.Path
        /// Polls answered, or messages pushed (one for each client that was told).
        public var requests: UInt64
        /// Of them: nothing new for the client. Always 0 for push.
        public var unchanged: UInt64
        /// `nil` without requests.
        public var unchangedShare: Double?
        public var bytesUp: UInt64
        public var bytesDown: UInt64
        /// Subscriptions open now; 0 for poll, which has none.
        public var connections: Int
        /// Changes that somebody was told of.
        public var changesTold: UInt64
        /// Seconds from a change's commit to a client being told. `nil` when nobody was told anything.
        public var staleness: Percentiles?
    }

    /// Seconds.
    public struct Percentiles: Sendable, Codable, Equatable {
        public var p50: Double
        public var p95: Double
        public var p99: Double
    }

    public init(rows: [Row]) { self.rows = rows }
}

extension Comparison.Row {
    init(_ feature: String, _ path: Ledger.Path, _ account: Ledger.Account) {
        let told = account.staleness.totalCount
        func seconds(_ percentile: Double) -> Double { Double(account.staleness.valueAtPercentile(percentile)) / 1e6 }
        self.init(
            feature: feature, path: path, requests: account.requests, unchanged: account.unchanged,
            unchangedShare: account.requests == 0 ? nil : Double(account.unchanged) / Double(account.requests),
            bytesUp: account.bytesUp, bytesDown: account.bytesDown, connections: account.connections,
            changesTold: told,
            staleness: told == 0 ? nil : Comparison.Percentiles(p50: seconds(50), p95: seconds(95), p99: seconds(99)))
    }
}
