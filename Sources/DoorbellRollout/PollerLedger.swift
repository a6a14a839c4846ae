public import DoorbellCore

/// Who still polls features that push has begun for. Pure; bounded.
///
/// Two generations take the place of an ordered list: when the younger is full it becomes the older and the older is forgotten, and whoever
/// polls moves to the younger. So at least the `capacity / 2` clients that polled last are known.
public struct PollerLedger: Sendable {
    /// A client of a feature.
    public struct Key: Hashable, Sendable {
        public let feature: String
        /// ``Cohort/identity(of:)``.
        public let identity: UInt64

        public init(feature: String, identity: UInt64) {
            self.feature = feature
            self.identity = identity
        }
    }

    public struct Poller: Sendable, Equatable {
        public let key: Key
        /// As its last poll said, cut.
        public internal(set) var agent: String
        public let first: Timestamp
        public internal(set) var last: Timestamp
        public internal(set) var polls: UInt64
        /// Polls while it was pushed the same feature, and that it did not need.
        public internal(set) var doublePolls: UInt64
        /// Seconds between two polls, the last ones counting most; `nil` after one poll.
        public internal(set) var interval: Double?
    }

    /// Characters of ``Poller/agent``.
    public static let maximumAgent = 80
    /// What the newest distance between two polls counts.
    private static let weight = 0.2

    private let generationSize: Int
    private var young: [Key: Poller] = [:]
    private var old: [Key: Poller] = [:]

    public init(capacity: Int = 10_000) { generationSize = max(1, capacity / 2) }

    /// - Parameter isDouble: It was pushed the same, and did not need the poll.
    public mutating func polled(_ key: Key, agent: String?, isDouble: Bool, at now: Timestamp) {
        if young[key] == nil {
            let known = old.removeValue(forKey: key)
            if young.count >= generationSize {
                old = young
                young = [:]
            }
            young[key] =
                known ?? Poller(key: key, agent: "", first: now, last: now, polls: 0, doublePolls: 0, interval: nil)
        }
        young[key]?.note(agent: agent, isDouble: isDouble, at: now, weight: Self.weight)
    }

    /// The ones that poll most often first; one that has been silent for longer than it used to counts by its silence.
    ///
    /// - Parameter feature: `nil`: of all features.
    public func pollers(of feature: String? = nil, now: Timestamp) -> [Poller] {
        [young, old].flatMap { $0.values.filter { feature == nil || $0.key.feature == feature } }
            .map { ($0, $0.distance(now: now), $0.key.identity) }
            .sorted { ($0.1, $0.2) < ($1.1, $1.2) }.map(\.0)
    }
}

extension PollerLedger.Poller {
    /// Seconds between two polls, or since the last one where that is longer.
    public func distance(now: Timestamp) -> Double { max(interval ?? 0, now.seconds(since: last)) }

    fileprivate mutating func note(agent: String?, isDouble: Bool, at now: Timestamp, weight: Double) {
        if polls > 0 {
            let distance = max(0, now.seconds(since: last))
            interval = interval.map { $0 + (distance - $0) * weight } ?? distance
        }
        polls += 1
        if isDouble { doublePolls += 1 }
        last = max(last, now)
        if let agent { self.agent = agent }
    }
}
