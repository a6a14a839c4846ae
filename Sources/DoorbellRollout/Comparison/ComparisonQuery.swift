/// What is asked for of the ledger.
public struct ComparisonQuery: Sendable, Hashable {
    /// Which series a report has.
    public enum Points: String, Sendable, CaseIterable {
        case none
        /// Of all features together, one for each path.
        case paths
        /// Of each line, too.
        case all
    }

    /// Points of one series at most.
    public static let maximumPoints = 300
    /// Seconds that a point may cover.
    public static let steps = [10, 60, 600, 3600, 21_600, 86_400]

    /// Seconds until now.
    public var since: Double
    /// `nil`: all.
    public var feature: String?
    public var points: Points

    public init(since: Double = 86_400, feature: String? = nil, points: Points = .paths) {
        self.since = since
        self.feature = feature
        self.points = points
    }

    /// Whole, at least one, and within reason.
    public var seconds: Int64 { Int64(min(max(1, since), 1e9)) }

    /// The shortest step that is at least `shortest` and keeps the number of points within bounds.
    static func step(from: Int64, until: Int64, atLeast shortest: Int) -> Int {
        let needed = max(0, until - from)
        return steps.first { $0 >= shortest && needed / Int64($0) < Int64(maximumPoints) } ?? 86_400
    }
}
