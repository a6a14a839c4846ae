public import DoorbellCore

/// What polling and push cost and gave, counted since the ledger began or was last taken from. Pure.
///
/// Bounded: eight accounts for each feature of the configuration, each with a sparse histogram of the staleness that was seen.
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

    /// What one account is of.
    public struct Key: Hashable, Sendable {
        public let feature: String
        public let cohort: Cohort
        public let path: Path

        public init(_ feature: String, _ cohort: Cohort, _ path: Path) {
            self.feature = feature
            self.cohort = cohort
            self.path = path
        }
    }

    /// One answered poll.
    public struct Poll: Sendable {
        public var path = Path.poll
        public var cohort = Cohort.poll
        /// The same answer as the client's last one: 304, or the same body.
        public var isUnchanged: Bool
        /// Request head and body, as on the wire.
        public var bytesUp: Int
        /// Answer head and body, as on the wire.
        public var bytesDown: Int
        /// Of them: what 304 would have saved.
        public var bytesTagsWouldSave = 0
        /// Requests to the legacy API that were made for it.
        public var originRequests = 0
        /// For each change that this poll was the first to show: seconds since its commit.
        public var staleness: [Double]
        /// The legacy API answered with 5xx, or not at all.
        public var isError: Bool
        /// How long it was held.
        public var seconds = 0.0

        public init(isUnchanged: Bool, bytesUp: Int, bytesDown: Int, staleness: [Double], isError: Bool = false) {
            self.isError = isError
            self.isUnchanged = isUnchanged
            self.bytesUp = bytesUp
            self.bytesDown = bytesDown
            self.staleness = staleness
        }
    }

    /// Clients of one cohort that were told messages that left together.
    public struct Push: Sendable {
        public var subscribers: Int
        /// Of all messages to all of them.
        public var bytes: Int

        public static let nobody = Push(subscribers: 0, bytes: 0)

        public init(subscribers: Int, bytes: Int) {
            self.subscribers = subscribers
            self.bytes = bytes
        }
    }

    struct Account: Sendable {
        var counts = LedgerCounts()
        /// Subscriptions that ended with their connections.
        var ended: UInt64 = 0
        /// Open subscriptions, and the connections that have them.
        var subscriptions = 0
        var connections = 0
        /// Until when ``connections`` are in the counts.
        var countedUntil: Timestamp?

        /// Counts the connections that were open until now.
        mutating func count(until now: Timestamp) {
            if let countedUntil, connections > 0, now > countedUntil {
                counts.connectionSeconds += Double(connections) * now.seconds(since: countedUntil)
            }
            countedUntil = connections > 0 ? now : nil
        }
    }

    /// Names, in the order of the configuration.
    public let features: [String]
    private let indices: [String: Int]
    /// By feature, cohort and path.
    private var accounts: [Account]

    private static let cohorts = Cohort.allCases.count
    private static let paths = Path.allCases.count

    /// - Parameter features: Names, in the order of the configuration. Others are not recorded.
    public init(features: [String]) {
        self.features = features
        indices = Dictionary(features.enumerated().map { ($1, $0) }) { first, _ in first }
        accounts = Array(repeating: Account(), count: features.count * Self.cohorts * Self.paths)
    }

    // MARK: Entries

    public mutating func record(_ poll: Poll, of feature: String) {
        change(feature, poll.cohort, poll.path) { account in
            account.counts.requests += 1
            if poll.isUnchanged { account.counts.unchanged += 1 }
            if poll.isError { account.counts.errors += 1 }
            account.counts.bytesUp += UInt64(max(0, poll.bytesUp))
            account.counts.bytesDown += UInt64(max(0, poll.bytesDown))
            account.counts.bytesTagsWouldSave += UInt64(max(0, poll.bytesTagsWouldSave))
            account.counts.originRequests += UInt64(max(0, poll.originRequests))
            account.counts.connectionSeconds += max(0, poll.seconds)
            for seconds in poll.staleness { account.counts.staleness.record(seconds) }
        }
    }

    /// Messages that left together.
    ///
    /// - Parameters:
    ///   - told: Of those that are told to use push.
    ///   - pollers: Of the others.
    ///   - staleness: For each message, seconds from commit to telling.
    public mutating func recordPush(
        of feature: String, _ told: Push, pollers: Push = .nobody, staleness: some Collection<Double>
    ) {
        push(feature, .push, told, staleness)
        push(feature, .poll, pollers, staleness)
    }

    private mutating func push(
        _ feature: String, _ cohort: Cohort, _ push: Push, _ staleness: some Collection<Double>
    ) {
        guard push.subscribers > 0 else { return }
        change(feature, cohort, .push) { account in
            account.counts.requests += UInt64(push.subscribers * staleness.count)
            account.counts.bytesDown += UInt64(max(0, push.bytes))
            for seconds in staleness { account.counts.staleness.record(seconds, count: UInt64(push.subscribers)) }
        }
    }

    /// A subscription began; its bytes belong to what push costs.
    ///
    /// - Parameters:
    ///   - isFirst: The connection had none to the feature.
    ///   - isResumed: It goes on from the client's own position, after a loss.
    public mutating func recordSubscribed(
        to feature: String, cohort: Cohort = .poll, isFirst: Bool = true, isResumed: Bool = false, bytesUp: Int,
        bytesDown: Int, at now: Timestamp
    ) {
        change(feature, cohort, .push) { account in
            account.count(until: now)
            account.subscriptions += 1
            if isFirst {
                account.connections += 1
                account.countedUntil = now
            }
            if isResumed { account.counts.reconnects += 1 }
            account.counts.bytesUp += UInt64(max(0, bytesUp))
            account.counts.bytesDown += UInt64(max(0, bytesDown))
        }
    }

    /// - Parameters:
    ///   - isLast: The connection has no other to the feature.
    ///   - isLost: With its connection.
    public mutating func recordUnsubscribed(
        from feature: String, cohort: Cohort = .poll, isLast: Bool = true, isLost: Bool = true, at now: Timestamp
    ) {
        change(feature, cohort, .push) { account in
            account.count(until: now)
            account.subscriptions = max(0, account.subscriptions - 1)
            if isLast { account.connections = max(0, account.connections - 1) }
            if isLost { account.ended += 1 }
        }
    }

    /// A connection with `subscriptions` to the feature is told to use another way from now on.
    public mutating func recordMoved(of feature: String, to cohort: Cohort, subscriptions: Int, at now: Timestamp) {
        for each in Cohort.allCases {
            let sign = each == cohort ? 1 : -1
            change(feature, each, .push) { account in
                account.count(until: now)
                account.subscriptions = max(0, account.subscriptions + sign * subscriptions)
                account.connections = max(0, account.connections + sign)
                if account.connections > 0 { account.countedUntil = now }
            }
        }
    }

    /// What push cost besides messages: signs of life, questions to the legacy API.
    public mutating func recordPushing(
        of feature: String, cohort: Cohort, bytesUp: Int = 0, bytesDown: Int = 0, originRequests: Int = 0
    ) {
        change(feature, cohort, .push) { account in
            account.counts.bytesUp += UInt64(max(0, bytesUp))
            account.counts.bytesDown += UInt64(max(0, bytesDown))
            account.counts.originRequests += UInt64(max(0, originRequests))
        }
    }

    /// Clients that are pushed to read too slowly.
    public mutating func recordBuffers(of feature: String, cohort: Cohort, _ buffers: SendBuffers) {
        change(feature, cohort, .push) { $0.counts.buffers.add(buffers) }
    }

    /// Shares out processor time of the paths among their accounts: by requests, or, where there were none, by connections.
    ///
    /// - Returns: What nobody used.
    @discardableResult
    public mutating func spend(_ seconds: [Path: Double], at now: Timestamp) -> Double {
        var left = 0.0
        for (path, spent) in seconds where spent > 0 {
            let used = slots(of: path)
            for slot in used { accounts[slot].count(until: now) }
            func sum(_ weight: (LedgerCounts) -> Double) -> Double {
                used.reduce(0) { $0 + weight(accounts[$1].counts) }
            }
            let requests = sum { Double($0.requests) }
            let connections = sum(\.connectionSeconds)
            guard requests > 0 || connections > 0 else {
                left += spent
                continue
            }
            for slot in used {
                let counts = accounts[slot].counts
                let share =
                    requests > 0 ? Double(counts.requests) / requests : counts.connectionSeconds / connections
                accounts[slot].counts.cpuSeconds += spent * share
            }
        }
        return left
    }

    // MARK: What was counted

    func account(_ feature: String, _ cohort: Cohort, _ path: Path) -> Account? {
        indices[feature].flatMap { accounts[Self.slot($0, cohort, path)] }
    }

    /// Open subscriptions of a feature.
    func subscriptions(to feature: String) -> Int {
        Cohort.allCases.reduce(0) { $0 + (account(feature, $1, .push)?.subscriptions ?? 0) }
    }

    /// All that is not empty.
    public func counts(at now: Timestamp) -> [Key: LedgerCounts] {
        var copy = self
        return copy.take(at: now)
    }

    /// The same, and begins anew, keeping the connections that are open.
    public mutating func take(at now: Timestamp) -> [Key: LedgerCounts] {
        var taken: [Key: LedgerCounts] = [:]
        for (index, feature) in features.enumerated() {
            for cohort in Cohort.allCases {
                for path in Path.allCases {
                    let slot = Self.slot(index, cohort, path)
                    accounts[slot].count(until: now)
                    if !accounts[slot].counts.isEmpty { taken[Key(feature, cohort, path)] = accounts[slot].counts }
                    restart(slot)
                }
            }
        }
        return taken
    }

    /// Begins anew for one feature, keeping the connections that are open.
    public mutating func reset(_ feature: String) {
        for cohort in Cohort.allCases {
            for path in Path.allCases {
                if let index = indices[feature] { restart(Self.slot(index, cohort, path)) }
            }
        }
    }

    private mutating func restart(_ slot: Int) {
        accounts[slot].counts = LedgerCounts()
        accounts[slot].ended = 0
    }

    // MARK: Places

    private static func slot(_ feature: Int, _ cohort: Cohort, _ path: Path) -> Int {
        let column: Int =
            switch path {
            case .poll: 0
            case .conditional: 1
            case .held: 2
            case .push: 3
            }
        return (feature * cohorts + (cohort == .push ? 1 : 0)) * paths + column
    }

    private func slots(of path: Path) -> [Int] {
        features.indices.flatMap { feature in
            Cohort.allCases.map { Self.slot(feature, $0, path) }
        }
    }

    private mutating func change(_ feature: String, _ cohort: Cohort, _ path: Path, _ body: (inout Account) -> Void) {
        guard let index = indices[feature] else { return }
        body(&accounts[Self.slot(index, cohort, path)])
    }
}
