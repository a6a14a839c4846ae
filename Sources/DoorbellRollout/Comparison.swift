import DoorbellCore

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

    /// Of both cohorts together.
    ///
    /// - Parameters:
    ///   - features: In the order of the table.
    ///   - subscriptions: Open now.
    init(features: [String], counts: [Ledger.Key: LedgerCounts], subscriptions: (String) -> Int) {
        rows = features.flatMap { feature in
            Ledger.Path.allCases.compactMap { path in
                var sum = LedgerCounts()
                for cohort in Ledger.Cohort.allCases {
                    if let counts = counts[Ledger.Key(feature, cohort, path)] { sum.add(counts) }
                }
                if sum.requests == 0, path == .conditional || path == .held { return nil }
                return Row(feature, path, sum, connections: path == .push ? subscriptions(feature) : 0)
            }
        }
    }
}

extension Comparison.Row {
    init(_ feature: String, _ path: Ledger.Path, _ counts: LedgerCounts, connections: Int) {
        self.init(
            feature: feature, path: path, requests: counts.requests, unchanged: counts.unchanged,
            unchangedShare: counts.requests == 0 ? nil : Double(counts.unchanged) / Double(counts.requests),
            bytesUp: counts.bytesUp, bytesDown: counts.bytesDown, connections: connections,
            changesTold: counts.staleness.count,
            staleness: ComparisonReport.Percentiles(counts.staleness).map {
                Comparison.Percentiles(p50: $0.p50, p95: $0.p95, p99: $0.p99)
            })
    }
}
