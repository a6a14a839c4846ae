internal import Histogram

/// What polling and push cost and gave, side by side, for each feature. Pure.
///
/// Bounded: two accounts for each feature of the configuration, each with one histogram of about 300 KiB at most.
public struct Ledger: Sendable {
    /// How a client was told.
    public enum Path: String, Sendable, Codable, CaseIterable {
        case poll
        /// A poll with an entity tag.
        case conditional
        /// A poll that waits for a change.
        case held
        case push
    }

    /// What the rollout tells a client to do; it may still poll while it is told to use push.
    public enum Cohort: String, Sendable, Codable, CaseIterable {
        case poll, push
    }

    /// One answered poll.
    public struct Poll: Sendable {
        /// The same answer as the client's last one: 304, or the same body.
        public var isUnchanged: Bool
        /// Request head and body, as on the wire.
        public var bytesUp: Int
        /// Answer head and body, as on the wire.
        public var bytesDown: Int
        /// For each change that this poll was the first to show: seconds since its commit.
        public var staleness: [Double]
        /// The legacy API answered with 5xx, or not at all.
        public var isError: Bool

        public init(isUnchanged: Bool, bytesUp: Int, bytesDown: Int, staleness: [Double], isError: Bool = false) {
            self.isError = isError
            self.isUnchanged = isUnchanged
            self.bytesUp = bytesUp
            self.bytesDown = bytesDown
            self.staleness = staleness
        }
    }

    struct Account: Sendable {
        var requests: UInt64 = 0
        var unchanged: UInt64 = 0
        var errors: UInt64 = 0
        /// Subscriptions that ended.
        var ended: UInt64 = 0
        var bytesUp: UInt64 = 0
        var bytesDown: UInt64 = 0
        /// Open now.
        var connections: Int = 0
        /// Microseconds.
        var staleness: Histogram<UInt64>

        /// 1 µs to one day, three digits.
        init() {
            staleness = Histogram<UInt64>(
                lowestDiscernibleValue: 1, highestTrackableValue: 86_400_000_000, numberOfSignificantValueDigits: .three
            )
        }

        mutating func record(staleness seconds: Double, count: UInt64) {
            guard count > 0, seconds.isFinite else { return }
            // Clocks of two machines may disagree by more than a delivery takes.
            let microseconds = min(max(seconds, 0) * 1e6, 86_399_000_000)
            staleness.record(UInt64(microseconds), count: count)
        }
    }

    private struct Key: Hashable {
        let feature: String
        let path: Path
    }

    private var accounts: [Key: Account] = [:]
    private let features: [String]

    /// - Parameter features: Names, in the order of the table. Others are not recorded.
    public init(features: [String]) {
        self.features = features
        for feature in features {
            for path in Path.allCases { accounts[Key(feature: feature, path: path)] = Account() }
        }
    }

    public mutating func record(_ poll: Poll, of feature: String) {
        change(feature, .poll) { account in
            account.requests += 1
            if poll.isUnchanged { account.unchanged += 1 }
            if poll.isError { account.errors += 1 }
            account.bytesUp += UInt64(max(0, poll.bytesUp))
            account.bytesDown += UInt64(max(0, poll.bytesDown))
            for seconds in poll.staleness { account.record(staleness: seconds, count: 1) }
        }
    }

    /// Messages that left together were told to `subscribers`, all at once.
    ///
    /// - Parameters:
    ///   - bytes: Of all of them to all subscribers.
    ///   - staleness: For each message, seconds from commit to telling.
    public mutating func recordPush(of feature: String, subscribers: Int, bytes: Int, staleness: [Double]) {
        guard subscribers > 0 else { return }
        change(feature, .push) { account in
            account.requests += UInt64(subscribers * staleness.count)
            account.bytesDown += UInt64(max(0, bytes))
            for seconds in staleness { account.record(staleness: seconds, count: UInt64(subscribers)) }
        }
    }

    /// A subscription began; its bytes belong to what push costs.
    public mutating func recordSubscribed(to feature: String, bytesUp: Int, bytesDown: Int) {
        change(feature, .push) { account in
            account.connections += 1
            account.bytesUp += UInt64(max(0, bytesUp))
            account.bytesDown += UInt64(max(0, bytesDown))
        }
    }

    /// - Parameter isLost: With its connection.
    public mutating func recordUnsubscribed(from feature: String, isLost: Bool = true) {
        change(feature, .push) { account in
            account.connections = max(0, account.connections - 1)
            if isLost { account.ended += 1 }
        }
    }

    func account(_ feature: String, _ path: Path) -> Account? { accounts[Key(feature: feature, path: path)] }

    private mutating func change(_ feature: String, _ path: Path, _ body: (inout Account) -> Void) {
        guard accounts[Key(feature: feature, path: path)] != nil else { return }
        body(&accounts[Key(feature: feature, path: path), default: Account()])
    }

    /// The figures so far.
    public var comparison: Comparison {
        Comparison(
            rows: features.flatMap { feature in
                Path.allCases.compactMap { path in
                    accounts[Key(feature: feature, path: path)]
                        .flatMap { $0.requests == 0 && [.conditional, .held].contains(path) ? nil : $0 }
                        .map { Comparison.Row(feature, path, $0) }
                }
            })
    }

    /// Begins anew, keeping the connections that are open.
    public mutating func reset() {
        for feature in features { reset(feature) }
    }

    /// The same for one feature.
    public mutating func reset(_ feature: String) {
        for path in Path.allCases {
            let key = Key(feature: feature, path: path)
            guard let old = accounts[key] else { continue }
            var fresh = Account()
            fresh.connections = old.connections
            accounts[key] = fresh
        }
    }
}
