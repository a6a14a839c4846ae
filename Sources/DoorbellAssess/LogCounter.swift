internal import DoorbellCore

/// Counts entries: routes, tracks, and what is known of the log as a whole. Pure: entries in, figures out. Memory is bounded by the capacity of
/// its tables, whatever the log.
struct LogCounter: ~Copyable {
    /// Tracks that are followed at a time: 75 MiB.
    static let capacity = 1 << 18
    /// Days that a log may be long; what is dated outside is a mistake of the log.
    private static let longest: Int64 = 400 * 86_400_000
    /// Milliseconds. Lines are written at the end of a request, by some with the time of its begin: polls are held for a minute at most.
    private static let disorder: Int64 = 61_000

    private(set) var routes = RouteTable()
    private let tracks: TrackTable
    /// Milliseconds since 1970.
    private(set) var begin: Int64?
    private(set) var end: Int64 = 0
    /// Of all entries, also of those that are late.
    private(set) var earliest = Int64.max
    private(set) var requests = 0
    private(set) var bytes: UInt64 = 0
    private(set) var clients = DistinctCounter()
    private(set) var addresses = DistinctCounter()
    private(set) var series = TimeSeries()
    private(set) var peakSecond = 0
    private(set) var misdated = 0
    /// Lines that are much older than one before them.
    private(set) var late = 0
    private(set) var replay: Replay?
    private var correlation: Correlation?
    private var second: UInt32 = 0
    private var inSecond = 0

    /// Whether periods mean something: few lines may be out of the order of time.
    var isInOrder: Bool { late * 100 <= requests }

    var evicted: Int { tracks.evicted }
    var refused: Int { tracks.refused }

    init(capacity: Int = LogCounter.capacity, changes: ChangeLog? = nil, tableChanges: TableChanges? = nil) {
        tracks = TrackTable(capacity: capacity)
        replay = changes.map { Replay($0) }
        correlation = tableChanges.map { Correlation($0) }
    }

    /// - Parameter target: The request target, asked for when it is needed.
    @inline(__always)
    mutating func add(_ entry: LogEntry, target: () -> [UInt8]) {
        let begin = self.begin ?? entry.time
        if self.begin == nil {
            self.begin = begin
            end = begin
        }
        guard entry.time - begin < Self.longest, begin - entry.time < 86_400_000 else {
            misdated += 1
            return
        }
        if end - entry.time > Self.disorder { late += 1 }
        earliest = min(earliest, entry.time)
        end = max(end, entry.time)
        let since = max(0, entry.time - begin)
        let second = UInt32(truncatingIfNeeded: since / 1000)
        if tracks.resolution > 1, entry.time % 1000 != 0 { tracks.resolution = 1 }
        requests &+= 1
        bytes &+= UInt64(entry.bytes)
        clients.insert(entry.client)
        addresses.insert(UInt64(entry.address))
        series.add(at: second)
        if second > self.second {
            self.second = second
            inSecond = 0
        }
        inSecond &+= 1
        if inSecond > peakSecond { peakSecond = inSecond }
        let endpoint = routes.endpoint(of: entry, target: target)
        routes.count(entry, at: endpoint, second: second, target: target)
        guard entry.kind != .file, endpoint > 1 else { return }
        replay?.add(entry, at: endpoint, target: target())
        correlation?.add(entry, at: endpoint)
        tracks.observe(entry, time: UInt32(truncatingIfNeeded: since / 10), endpoint: Int32(endpoint)) { track in
            routes.judge(track)
        }
    }

    /// What the replay says of the endpoints, by their number.
    mutating func replayed() -> [Int: Replay.Tally] {
        var sums: [Int: Replay.Tally] = [:]
        for (endpoint, tally) in replay?.tallies ?? [:] {
            sums[Int(routes.find(Int32(endpoint))), default: Replay.Tally()].merge(tally)
        }
        return sums
    }

    /// What the record of changes says of the endpoints, by their number.
    mutating func evidence() -> [Int: [QualifiedName: ChangeEvidence]] {
        guard let correlation else { return [:] }
        var sums: [Int: Correlation.Tally] = [:]
        for (endpoint, tally) in correlation.tallies {
            let index = Int(routes.find(Int32(endpoint)))
            sums[index, default: Correlation.Tally(tables: correlation.changes.tables.count)].merge(tally)
        }
        return sums.mapValues { correlation.evidence($0) }
    }

    /// After the last entry.
    mutating func finish() {
        routes.settle()
        tracks.finish { track in routes.judge(track) }
    }
}
