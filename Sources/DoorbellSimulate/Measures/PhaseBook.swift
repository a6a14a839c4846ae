import DoorbellRollout
import Histogram

/// Which change was committed when, and when its user's client first saw it. Pure; times are nanoseconds of one clock.
struct PhaseBook {
    private struct Entry {
        /// 0: not yet.
        var committed: UInt64 = 0
        /// 0: not yet.
        var seen: UInt64 = 0
    }

    private let changes: [ChangePlan.Change]
    private var entries: [Entry]
    /// The numbers of each user's changes, in their order.
    private let numbers: [Int: [Int]]
    /// How many of them a polling client has seen, from the first on.
    private var shown: [Int: Int] = [:]
    private(set) var written = 0
    /// Changes that were told to another user's client. Always 0, or something is badly wrong.
    private(set) var strangers = 0

    init(_ plan: ChangePlan) {
        changes = plan.changes
        entries = Array(repeating: Entry(), count: plan.changes.count)
        numbers = Dictionary(grouping: 1..<(plan.changes.count + 1)) { plan.changes[$0 - 1].user }
    }

    /// Change `number` is in the database.
    mutating func committed(_ number: Int, at moment: UInt64) {
        guard entries.indices.contains(number - 1), entries[number - 1].committed == 0 else { return }
        entries[number - 1].committed = max(1, moment)
        written += 1
    }

    /// An answer showed the user's rows as they are after change `revision`, and so everything before it.
    mutating func showed(_ revision: Int, to user: Int, at moment: UInt64) {
        guard isOf(revision, user), let numbers = numbers[user] else { return }
        var count = shown[user] ?? 0
        while count < numbers.count, numbers[count] <= revision {
            see(numbers[count], at: moment)
            count += 1
        }
        shown[user] = count
    }

    /// A message told change `revision`, and nothing else.
    mutating func told(_ revision: Int, to user: Int, at moment: UInt64) {
        guard isOf(revision, user) else { return }
        see(revision, at: moment)
    }

    /// Committed, and not seen so far.
    var outstanding: Int {
        entries.reduce(0) { $0 + ($1.committed > 0 && $1.seen == 0 ? 1 : 0) }
    }

    /// From commits to clients, in seconds; `nil` when nobody saw anything. A client may be told before the writer's own
    /// connection says that it has committed: that counts as 0.
    var staleness: ComparisonReport.Percentiles? {
        // 1 µs to one day.
        var histogram = Histogram<UInt64>(
            lowestDiscernibleValue: 1, highestTrackableValue: 86_400_000_000, numberOfSignificantValueDigits: .three)
        for seconds in waits { histogram.record(UInt64(min(seconds * 1e6, 86_399_000_000))) }
        guard histogram.totalCount > 0 else { return nil }
        func seconds(_ percentile: Double) -> Double { Double(histogram.valueAtPercentile(percentile)) / 1e6 }
        return ComparisonReport.Percentiles(p50: seconds(50), p95: seconds(95), p99: seconds(99))
    }

    /// The same as counts of times up to round ones; none where nobody saw anything.
    var stalenessBuckets: [StalenessBucket] {
        var buckets: [StalenessBucket] = []
        for seconds in waits.sorted() {
            while buckets.last.map({ seconds > $0.upTo }) ?? true {
                buckets.append(StalenessBucket(upTo: StalenessBucket.bound(buckets.count), count: 0))
            }
            buckets[buckets.count - 1].count += 1
        }
        return buckets
    }

    /// Seconds, of each change that was seen.
    private var waits: [Double] {
        entries.compactMap { entry in
            guard entry.committed > 0, entry.seen > 0 else { return nil }
            return entry.seen > entry.committed ? Double(entry.seen - entry.committed) / 1e9 : 0
        }
    }

    private mutating func isOf(_ revision: Int, _ user: Int) -> Bool {
        guard changes.indices.contains(revision - 1) else { return false }
        guard changes[revision - 1].user == user else {
            strangers += 1
            return false
        }
        return true
    }

    private mutating func see(_ number: Int, at moment: UInt64) {
        guard entries[number - 1].seen == 0 else { return }
        entries[number - 1].seen = max(1, moment)
    }
}
