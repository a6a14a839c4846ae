/// Plays a log against the changes that really happened: when each client was told by its polls, and what push would have sent it instead. Pure.
///
/// A client watches a URL from one poll to the next, unless more than ``longestGap`` lies between; then it was away, and push would not have told it
/// either. Of at most ``limit`` clients and URLs at a time the last poll is known.
struct Replay {
    /// Milliseconds.
    static let longestGap: Int64 = 120_000
    static let limit = 1 << 18

    /// Of one endpoint.
    struct Tally {
        var polls = 0
        /// Polls before which something had changed.
        var needed = 0
        var bytes: UInt64 = 0
        /// A message for each change and client that watched.
        var messages = 0
        var messageBytes: UInt64 = 0
        var waits = LengthHistogram()

        mutating func merge(_ other: Tally) {
            polls += other.polls
            needed += other.needed
            bytes += other.bytes
            messages += other.messages
            messageBytes += other.messageBytes
            waits.merge(other.waits)
        }
    }

    private let changes: ChangeLog
    private var last: [UInt64: Int64] = [:]
    /// By the endpoint that a poll was counted at.
    private(set) var tallies: [Int: Tally] = [:]

    init(_ changes: ChangeLog) { self.changes = changes }

    mutating func add(_ entry: LogEntry, at endpoint: Int, target: [UInt8]) {
        guard entry.method == .get, changes.has(target) else { return }
        let key = FastHash.mix(entry.client, entry.url)
        let previous = last.updateValue(entry.time, forKey: key)
        if last.count > Self.limit {
            last = last.filter { entry.time - $0.value <= Self.longestGap }
            // All of them are watching: those who come now are left out until somebody leaves.
            if last.count > Self.limit { last[key] = nil }
        }
        guard let previous, entry.time >= previous, entry.time - previous <= Self.longestGap else { return }
        let seen = changes.changes(of: target, after: previous, through: entry.time)
        var tally = Tally()
        tally.polls = 1
        tally.bytes = UInt64(entry.bytes)
        tally.needed = seen.isEmpty ? 0 : 1
        tally.messages = seen.count
        tally.messageBytes = UInt64(seen.count) * UInt64(entry.bytes)
        for time in seen { tally.waits.add(max(0.01, Double(entry.time - time) / 1000)) }
        tallies[endpoint, default: Tally()].merge(tally)
    }
}

/// What a replay says of one endpoint.
public struct ReplayedEndpoint: Sendable {
    /// Polls by clients that were watching, and those of them that brought a change.
    public let polls: Int
    public let needed: Int
    public let pollBytes: UInt64
    /// What push would have sent in their place.
    public let messages: Int
    public let messageBytes: UInt64
    /// Seconds from a change to the poll that brought it.
    public let staleness: Double?
    public let staleness95: Double?
    public let staleness99: Double?

    init(_ tally: Replay.Tally, _ assumptions: Assumptions) {
        polls = tally.polls
        needed = tally.needed
        pollBytes = tally.bytes + UInt64(Double(tally.polls) * assumptions.head)
        messages = tally.messages
        messageBytes = tally.messageBytes + UInt64(Double(tally.messages) * assumptions.envelope)
        staleness = tally.waits.percentile(0.5)
        staleness95 = tally.waits.percentile(0.95)
        staleness99 = tally.waits.percentile(0.99)
    }
}
