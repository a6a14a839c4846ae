internal import DoorbellCore

/// Compares the answers of a log with the moments at which tables changed. Pure.
///
/// Of two polls of one client and URL in a row, at most ``Replay/longestGap`` apart, it counts whether the answer changed, and which tables did in between.
/// Only within the time that the changes cover.
struct Correlation {
    /// Of one endpoint; by the number of the table.
    struct Tally {
        var pairs = 0
        var changed = 0
        var tableChanged: [Int]
        var both: [Int]

        init(tables: Int) {
            tableChanged = Array(repeating: 0, count: tables)
            both = tableChanged
        }

        mutating func merge(_ other: Tally) {
            pairs += other.pairs
            changed += other.changed
            for table in tableChanged.indices {
                tableChanged[table] += other.tableChanged[table]
                both[table] += other.both[table]
            }
        }
    }

    private struct Answer {
        var time: Int64
        var status: UInt16
        /// `nil` while there were only 304.
        var bytes: UInt32?
    }

    /// Logs write whole seconds.
    private static let resolution: Int64 = 999

    let changes: TableChanges
    private let span: ClosedRange<Int64>
    private var last: [UInt64: Answer] = [:]
    /// Of each table, how many changes there were up to the last moment that was asked for: a log is nearly in order, so they move little.
    private var cursors: [Int]
    /// By the endpoint that a poll was counted at.
    private(set) var tallies: [Int: Tally] = [:]

    init(_ changes: TableChanges) {
        self.changes = changes
        span = changes.span ?? 0...0
        cursors = Array(repeating: 0, count: changes.tables.count)
    }

    mutating func add(_ entry: LogEntry, at endpoint: Int) {
        let isAnswer = entry.status == 304 || (200..<300).contains(entry.status) && entry.status != 206
        guard entry.method == .get, isAnswer else { return }
        let key = FastHash.mix(entry.client, entry.url)
        let previous = last[key]
        let isUnchanged = entry.status == 304
        last[key] = Answer(
            time: entry.time, status: isUnchanged ? previous?.status ?? 304 : entry.status,
            bytes: isUnchanged ? previous?.bytes : entry.bytes)
        if last.count > Replay.limit {
            last = last.filter { entry.time - $0.value.time <= Replay.longestGap }
            if last.count > Replay.limit { last[key] = nil }
        }
        guard let previous, entry.time > previous.time, entry.time - previous.time <= Replay.longestGap,
            span.contains(previous.time), span.contains(entry.time)
        else { return }
        let changed = !isUnchanged && (previous.status != entry.status || previous.bytes != entry.bytes)
        var tally = tallies[endpoint] ?? Tally(tables: changes.tables.count)
        tally.pairs += 1
        if changed { tally.changed += 1 }
        for table in changes.tables.indices
        where hasChanged(table, after: previous.time, through: entry.time + Self.resolution) {
            tally.tableChanged[table] += 1
            if changed { tally.both[table] += 1 }
        }
        tallies[endpoint] = tally
    }

    private mutating func hasChanged(_ table: Int, after begin: Int64, through end: Int64) -> Bool {
        let times = changes.times[table]
        var cursor = cursors[table]
        while cursor < times.count, times[cursor] <= end { cursor += 1 }
        while cursor > 0, times[cursor - 1] > end { cursor -= 1 }
        cursors[table] = cursor
        return cursor > 0 && times[cursor - 1] > begin
    }

    /// What a tally says of each table.
    func evidence(_ tally: Tally) -> [QualifiedName: ChangeEvidence] {
        var evidence: [QualifiedName: ChangeEvidence] = [:]
        for (index, table) in changes.tables.enumerated() {
            evidence[table] = ChangeEvidence(
                pairs: tally.pairs, changed: tally.changed, tableChanged: tally.tableChanged[index],
                both: tally.both[index])
        }
        return evidence
    }
}
