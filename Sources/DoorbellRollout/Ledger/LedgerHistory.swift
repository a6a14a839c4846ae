public import DoorbellCore

/// What the ledger counted in the intervals that are over: the last ones fine, and those that are not in the database yet. Pure.
///
/// Bounded: ``fine`` and ``minutes`` by their numbers, ``pending`` by ``maximumPending``: while the database is away, what waits becomes
/// coarser before anything is lost, which takes two days.
public struct LedgerHistory: Sendable {
    /// What was counted from ``start`` on.
    public struct Interval: Sendable, Equatable {
        /// Seconds since 1970; a multiple of ``seconds``.
        public var start: Int64
        public var seconds: Int
        public var lines: [Ledger.Key: LedgerCounts]
        public var usage: LedgerUsage

        public init(
            start: Int64, seconds: Int, lines: [Ledger.Key: LedgerCounts] = [:], usage: LedgerUsage = LedgerUsage()
        ) {
            self.start = start
            self.seconds = seconds
            self.lines = lines
            self.usage = usage
        }

        public var isEmpty: Bool { lines.isEmpty && usage.isEmpty }

        mutating func add(_ other: Interval) {
            for (key, counts) in other.lines { lines[key, default: LedgerCounts()].add(counts) }
            usage.add(other.usage)
        }
    }

    /// Seconds of one interval: as it is counted, as it is written down, and what it becomes when it has to wait for long.
    public static let step = 10
    public static let minute = 60
    public static let coarse = 600

    static let maximumFine = 90
    static let maximumMinutes = 60
    /// Of minutes that wait, and of coarse intervals.
    static let maximumPending = (minutes: 120, coarse: 288)

    /// The last quarter of an hour.
    public private(set) var fine: [Interval] = []
    /// The last hour, without the minute that is not over.
    public private(set) var minutes: [Interval] = []
    /// The minute that is not over.
    public private(set) var open: Interval?
    /// What the database has not got, from old to new; a prefix of it may be coarse.
    public private(set) var pending: [Interval] = []
    /// Intervals that were forgotten before the database was back.
    public private(set) var lost = 0

    public init() {}

    /// An interval of ``step`` is over.
    public mutating func add(_ interval: Interval) {
        fine.append(interval)
        if fine.count > Self.maximumFine { fine.removeFirst(fine.count - Self.maximumFine) }
        let start = Self.begin(interval.start, Self.minute)
        if let open, open.start != start { close(open) }
        var minute = open ?? Interval(start: start, seconds: Self.minute)
        minute.add(interval)
        // Where nothing was left out it ends with its last interval, and need not wait for the next.
        if interval.start + Int64(interval.seconds) >= start + Int64(Self.minute) {
            close(minute)
        } else {
            open = minute
        }
    }

    /// What is not over goes to the database as it is: the service ends. It may be gone on with by another that starts.
    public mutating func closeAll() {
        if let open { close(open) }
    }

    private mutating func close(_ minute: Interval) {
        open = nil
        minutes.append(minute)
        if minutes.count > Self.maximumMinutes { minutes.removeFirst(minutes.count - Self.maximumMinutes) }
        guard !minute.isEmpty else { return }
        pending.append(minute)
        shrink()
    }

    /// The first `count` of ``pending`` are in the database.
    public mutating func written(_ count: Int) { pending.removeFirst(min(count, pending.count)) }

    private mutating func shrink() {
        let waiting = pending.count { $0.seconds < Self.coarse }
        if waiting > Self.maximumPending.minutes {
            let kept = pending.suffix(Self.maximumPending.minutes / 2)
            pending = Self.rolledUp(pending.dropLast(kept.count), to: Self.coarse) + kept
        }
        let surplus = pending.count - Self.maximumPending.minutes - Self.maximumPending.coarse
        if surplus > 0 {
            pending.removeFirst(surplus)
            lost += surplus
        }
    }

    /// The same sums in longer intervals.
    public static func rolledUp(_ intervals: some Sequence<Interval>, to seconds: Int) -> [Interval] {
        var sums: [Interval] = []
        for interval in intervals {
            let start = begin(interval.start, seconds)
            if sums.last?.start == start, !sums.isEmpty {
                sums[sums.count - 1].add(interval)
            } else {
                var sum = interval
                sum.start = start
                sum.seconds = max(seconds, interval.seconds)
                sums.append(sum)
            }
        }
        return sums
    }

    /// Where the interval begins that a moment lies in.
    public static func begin(_ moment: Int64, _ seconds: Int) -> Int64 {
        let length = Int64(max(1, seconds))
        let rest = moment % length
        return moment - (rest < 0 ? rest + length : rest)
    }

    /// All that this process remembers of its own, in minutes or coarser, from old to new.
    public func own() -> [Interval] {
        let first = minutes.first?.start ?? .max
        return pending.filter { $0.start < first } + minutes + [open].compactMap(\.self)
    }

    /// Nothing of this process from here on has to be looked up in the database. `nil`: nothing is remembered.
    public var remembersFrom: Int64? {
        [pending.first?.start, minutes.first?.start, open?.start].compactMap(\.self).min()
    }
}
