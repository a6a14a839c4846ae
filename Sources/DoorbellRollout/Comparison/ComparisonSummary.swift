/// A ``ComparisonReport`` in a few columns: what polling took, what it would take with entity tags, and what push took.
///
/// Cohorts differ in size while a feature is being moved, so sums cannot be divided by one another. What can is what it took to tell as many changes to as
/// many clients: that is ``ratio(_:)``, made from the features that were both polled and pushed.
public struct ComparisonSummary: Sendable {
    /// Of being told.
    public enum Way: String, Sendable, CaseIterable {
        /// Polls as they were, with and without tags.
        case polls
        /// The same polls, had all of them had tags. An estimate.
        case tagged
        /// Polls that waited for a change.
        case held
        case push

        func has(_ path: Ledger.Path) -> Bool {
            switch self {
            case .polls, .tagged: path == .poll || path == .conditional
            case .held: path == .held
            case .push: path == .push
            }
        }

        /// What one of its paths counted, as this way would have it: polls that had no tag get one.
        func counted(_ tally: ComparisonReport.Tally, by path: Ledger.Path) -> ComparisonReport.Tally {
            self == .tagged && path == .poll ? tally.withTags : tally
        }

        /// Of those lines that are its.
        func sum(_ lines: [ComparisonReport.Line]) -> ComparisonReport.Tally {
            .sum(lines.filter { has($0.path) }.map { counted($0.total, by: $0.path) })
        }
    }

    public struct Column: Sendable {
        public let way: Way
        public let total: ComparisonReport.Tally
        /// Of ``total``: polls that had a tag.
        public let conditional: UInt64
        /// From short to long.
        public let staleness: [ComparisonReport.StalenessBucket]
        public let percentiles: ComparisonReport.Percentiles?
        public let cost: Cost
        /// What a month would cost, had every client of the features that are compared been told this way; `nil` where that was not measured.
        public let month: Cost?
    }

    /// `nil`: all.
    public let feature: String?
    /// Seconds.
    public let length: Double
    public let prices: Prices
    /// Names of those that were both polled and pushed.
    public let compared: [String]
    /// Polls, tagged and push always; held where there was any.
    public let columns: [Column]
    /// The sums of those features.
    private let comparable: [FeatureSums]

    /// - Parameter feature: That one only; `nil`: all.
    public init(_ report: ComparisonReport, feature: String? = nil, prices: Prices = Prices()) {
        let lines = report.lines.filter { feature == nil || $0.feature == feature }
        let length = report.until - report.from
        self.length = length.isFinite ? max(0, length) : 0
        self.prices = prices
        self.feature = feature
        let byFeature = Dictionary(grouping: lines, by: \.feature)
        let sums = report.features.compactMap { feature -> FeatureSums? in
            byFeature[feature.name].map { FeatureSums(name: feature.name, lines: $0) }
        }
        let both = sums.filter { $0.told(.polls) > 0 && $0.told(.push) > 0 }
        compared = both.map(\.name)
        comparable = both
        let months = self.length > 0 ? 30 * 86_400 / self.length : 0
        columns = Way.allCases.compactMap { way in
            let mine = lines.filter { way.has($0.path) }
            if way == .held, mine.isEmpty { return nil }
            let total = way.sum(mine)
            let buckets = ComparisonReport.merged(mine.map(\.staleness))
            let told = mine.filter { $0.total.told > 0 }
            let percentiles = told.count == 1 ? told[0].total.staleness : ComparisonReport.percentiles(buckets)
            var month: Cost? = Cost()
            for feature in both {
                let share = feature.told(way) / feature.toldByAll
                month = share > 0 ? month.map { $0 + prices.cost(of: feature.tally(way)) * (months / share) } : nil
            }
            return Column(
                way: way, total: total,
                conditional: mine.filter { $0.path == .conditional }.reduce(0) { $0 &+ $1.total.requests },
                staleness: buckets,
                percentiles: percentiles, cost: prices.cost(of: total), month: both.isEmpty || months == 0 ? nil : month
            )
        }
    }

    /// Nobody polled, and nobody was told or subscribed.
    public var isEmpty: Bool {
        columns.allSatisfy { $0.total.requests == 0 && $0.total.connectionSeconds == 0 }
    }

    public func column(_ way: Way) -> Column? { columns.first { $0.way == way } }

    /// What push took for each that polls took, for the same number of changes told; `nil` where nothing was both polled and pushed, or polls took nothing.
    public func ratio(_ value: (ComparisonReport.Tally) -> Double) -> Double? {
        share(value) { value($0.tally(.push)) * $0.told(.polls) / $0.told(.push) }
    }

    /// The same for polls with tags in the place of push.
    public func tagRatio(_ value: (ComparisonReport.Tally) -> Double) -> Double? {
        share(value) { value($0.tally(.tagged)) }
    }

    /// Of what polls took.
    private func share(_ value: (ComparisonReport.Tally) -> Double, _ other: (FeatureSums) -> Double) -> Double? {
        let polls = comparable.reduce(0) { $0 + value($1.tally(.polls)) }
        guard polls > 0, polls.isFinite else { return nil }
        return comparable.reduce(0) { $0 + other($1) } / polls
    }
}

/// One feature's sums.
private struct FeatureSums {
    let name: String
    private let tallies: [ComparisonSummary.Way: ComparisonReport.Tally]

    init(name: String, lines: [ComparisonReport.Line]) {
        self.name = name
        tallies = Dictionary(uniqueKeysWithValues: ComparisonSummary.Way.allCases.map { ($0, $0.sum(lines)) })
    }

    func tally(_ way: ComparisonSummary.Way) -> ComparisonReport.Tally { tallies[way] ?? ComparisonReport.Tally() }
    func told(_ way: ComparisonSummary.Way) -> Double { Double(tally(way).told) }
    var toldByAll: Double { told(.polls) + told(.held) + told(.push) }
}
