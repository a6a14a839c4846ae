import DoorbellCore
import DoorbellTestSupport
import DoorbellTesting
import Testing

@testable import DoorbellCapture

/// The ledger in a real database.
@Suite("The ledger in the database") struct LedgerStoreTests {
    private static let hour: Int64 = 3600
    /// A whole hour.
    private static let begin: Int64 = 500_000 * hour

    private func installed() throws -> (conninfo: String, app: ScratchConnection) {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        _ = try Installer(conninfo: conninfo, tables: []).install()
        return (conninfo, try ScratchConnection(conninfo))
    }

    private static func at(_ second: Int64) -> Timestamp { Timestamp(microseconds: second * 1_000_000) }

    private struct Line: Hashable {
        let feature: String
        let cohort: String
        let path: String
    }

    private final class Sum: Sendable {
        private let sums = Locked<[Line: LedgerCounts]>([:])
        private let lengths = Locked<Set<Int>>([])
        private let starts = Locked<[Int64]>([])

        func add(_ row: LedgerRow) {
            lengths.withLock { _ = $0.insert(row.seconds) }
            starts.withLock { $0.append(row.start) }
            sums.withLock {
                $0[Line(feature: row.feature, cohort: row.cohort, path: row.path), default: LedgerCounts()].add(
                    row.counts)
            }
        }

        var lines: [Line: LedgerCounts] { sums.withLock { $0 } }
        var seconds: Set<Int> { lengths.withLock { $0 } }
        var count: Int { starts.withLock { $0.count } }
    }

    private func read(
        _ store: LedgerStore, since: Int64 = 0, knownFrom: Int64 = .max >> 20, feature: String? = nil
    ) async throws -> (sum: Sum, usage: [LedgerUsageRow], first: Int64?) {
        let sum = Sum()
        let first = Locked<Int64?>(nil)
        let usage = try await store.read(since: since, knownFrom: knownFrom, feature: feature) { start in
            first.withLock { $0 = start }
        } row: {
            sum.add($0)
        }
        return (sum, usage, first.withLock { $0 })
    }

    private static func counts(_ random: inout SplitMix) -> LedgerCounts {
        var counts = LedgerCounts()
        counts.requests = .random(in: 0..<1000, using: &random)
        counts.unchanged = .random(in: 0..<1000, using: &random)
        counts.errors = .random(in: 0..<10, using: &random)
        counts.bytesUp = .random(in: 0..<(1 << 40), using: &random)
        counts.bytesDown = .random(in: 0..<(1 << 40), using: &random)
        counts.bytesTagsWouldSave = .random(in: 0..<1000, using: &random)
        counts.originRequests = .random(in: 0..<1000, using: &random)
        counts.reconnects = .random(in: 0..<1000, using: &random)
        counts.buffers.waitingBytes = .random(in: 0..<1000, using: &random)
        counts.buffers.behind = .random(in: 0..<1000, using: &random)
        counts.buffers.conflated = .random(in: 0..<1000, using: &random)
        counts.buffers.resets = .random(in: 0..<1000, using: &random)
        counts.buffers.closed = .random(in: 0..<1000, using: &random)
        // Sums of quarters are exact.
        counts.connectionSeconds = Double(Int.random(in: 0..<1000, using: &random)) / 4
        counts.cpuSeconds = Double(Int.random(in: 0..<1000, using: &random)) / 4
        for _ in 0..<Int.random(in: 0..<30, using: &random) {
            counts.staleness.record(
                Double(Int.random(in: 0..<5_000_000, using: &random)) / 1e6, count: .random(in: 1..<50, using: &random))
        }
        return counts
    }

    private static func rows(_ random: inout SplitMix, minutes: Range<Int64>) -> [LedgerRow] {
        minutes.flatMap { minute in
            [("poll", "poll"), ("push", "push"), ("push", "conditional")].map { cohort, path in
                LedgerRow(
                    start: begin + minute * 60, seconds: 60, feature: "o'rders \"é\"", cohort: cohort, path: path,
                    counts: counts(&random))
            }
        }
    }

    private static func sums(_ rows: [LedgerRow]) -> [Line: LedgerCounts] {
        rows.reduce(into: [:]) { sums, row in
            sums[Line(feature: row.feature, cohort: row.cohort, path: row.path), default: LedgerCounts()].add(
                row.counts)
        }
    }

    @Test("numbers as the server sends them are read without strings, and what is no number is none")
    func numbers() {
        func read<Number: FixedWidthInteger>(_ text: String, as: Number.Type) -> Number? {
            Array(text.utf8).withUnsafeBytes { PGResult.integer($0[...]) }
        }
        for number in [0, 7, -1, 123_456, Int64.max, .min] { #expect(read("\(number)", as: Int64.self) == number) }
        #expect(read("18446744073709551615", as: UInt64.self) == .max && read("255", as: UInt8.self) == 255)
        for text in ["", "-", "+1", "1.5", "1e3", " 1", "9223372036854775808", "-9223372036854775809", "٣"] {
            #expect(read(text, as: Int64.self) == nil, "\(text)")
        }
        #expect(read("256", as: UInt8.self) == nil && read("-1", as: UInt64.self) == nil)
    }

    @Test("rows come back as they were written, once however often they were, and another node's beside them")
    func write() async throws {
        let (conninfo, _) = try installed()
        var random = SplitMix(state: 1)
        let (mine, theirs) = (Self.rows(&random, minutes: 0..<5), Self.rows(&random, minutes: 3..<8))
        let (one, two) = (LedgerStore(conninfo: conninfo), LedgerStore(conninfo: conninfo))
        let now = Self.at(Self.begin + 600)
        var usage = LedgerUsage()
        usage.service = 1.5
        usage.transactions = 1000
        let used = LedgerUsageRow(start: Self.begin, seconds: 60, usage: usage)
        for _ in 0..<2 { try await one.write(mine, [used], now: now, retention: .seconds(86_400)) }
        try await two.write(theirs, [used], now: now, retention: .seconds(86_400))
        let (all, total, first) = try await read(one)
        #expect(all.lines == Self.sums(mine + theirs))
        #expect(all.count == mine.count + theirs.count && first == Self.begin)
        // Both nodes use processors, but there is one database.
        #expect(total.count == 1 && total.first?.usage.service == 3 && total.first?.usage.transactions == 1000)
        // What this node remembers itself is not read, nor what is older than asked for.
        #expect(
            try await read(one, knownFrom: Self.begin + 120).sum.lines
                == Self.sums(mine.filter { $0.start < Self.begin + 120 } + theirs))
        #expect(try await read(two, knownFrom: 0).sum.lines == Self.sums(mine))
        #expect(
            try await read(one, since: Self.begin + 240).sum.lines
                == Self.sums((mine + theirs).filter { $0.start >= Self.begin + 240 }))
        #expect(try await read(one, feature: "others").sum.lines.isEmpty)
        #expect(try await read(one, since: Self.begin + 3600).first == nil)
    }

    @Test("old rows become few, of all nodes together, and every sum stays; what is older than the retention goes")
    func rollUp() async throws {
        let (conninfo, app) = try installed()
        var random = SplitMix(state: 2)
        let stores = (0..<2).map { _ in LedgerStore(conninfo: conninfo) }
        var written: [LedgerRow] = []
        var seconds = 0.0
        // Five hours, and much later the rest of the day.
        for batch in [0..<150, 150..<300, 2870..<2880] as [Range<Int64>] {
            for store in stores {
                let rows = Self.rows(&random, minutes: batch)
                var usage = LedgerUsage()
                usage.service = 0.25
                usage.transactions = 7
                seconds += 0.25
                try await store.write(
                    rows, [LedgerUsageRow(start: Self.begin + batch.lowerBound * 60, seconds: 60, usage: usage)],
                    now: Self.at(Self.begin + batch.upperBound * 60), retention: .seconds(30 * 86_400))
                written += rows
            }
        }
        let (all, used, _) = try await read(stores[0])
        #expect(all.lines == Self.sums(written))
        #expect(all.seconds == [60, 600])
        // Of 1,860: five hours by ten minutes, some of them in two steps, and the last minutes of two nodes.
        #expect(all.count < 200)
        #expect(used.reduce(0) { $0 + ($1.usage.service ?? 0) } == seconds)
        #expect(used.reduce(0) { $0 + ($1.usage.transactions ?? 0) } == 21)

        // Two days later they are hours; a node that was away for long comes last with what it has.
        let late = Self.rows(&random, minutes: 1..<2)
        let later = Self.at(Self.begin + 100 * Self.hour)
        try await stores[1].write(late, [], now: later, retention: .seconds(30 * 86_400))
        let hours = try await read(stores[0]).sum
        #expect(hours.lines == Self.sums(written + late) && hours.seconds == [3600])
        #expect(try app.run("select count(*) from doorbell.ledger where extract(minute from start) <> 0") == [["0"]])

        try await stores[0].write([], [], now: later, retention: .seconds(60 * Self.hour))
        let kept = try await read(stores[0])
        #expect(kept.first == Self.begin + 47 * Self.hour)
        try await stores[0].write([], [], now: later, retention: .seconds(3600))
        #expect(try await read(stores[0]).sum.count == 0)
        #expect(try app.run("select count(*) from doorbell.ledger_usage") == [["0"]])
    }

    @Test("nodes that roll up at once disturb nobody's sums")
    func together() async throws {
        let (conninfo, _) = try installed()
        var random = SplitMix(state: 3)
        let batches = (0..<8).map { _ in Self.rows(&random, minutes: 0..<20) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for rows in batches {
                group.addTask {
                    let store = LedgerStore(conninfo: conninfo)
                    for part in 0..<4 {
                        try await store.write(
                            rows.filter { $0.start / 60 % 4 == Int64(part) }, [],
                            now: Self.at(Self.begin + 10 * Self.hour), retention: .seconds(86_400))
                    }
                }
            }
            try await group.waitForAll()
        }
        let all = try await read(LedgerStore(conninfo: conninfo)).sum
        #expect(all.lines == Self.sums(batches.flatMap(\.self)))
    }

    @Test("an older schema is brought up, and keeps what it had") func upgrade() async throws {
        let (conninfo, app) = try installed()
        try app.run("select doorbell.set_stage('orders', 'push')")
        try app.run("drop table doorbell.ledger, doorbell.ledger_usage; update doorbell.meta set version = 3")
        let error = #expect(throws: DoorbellError.self) { try Preflight(conninfo: conninfo).check(tables: []) }
        #expect(error?.message.contains("version 3") == true)
        let plan = try Installer(conninfo: conninfo, tables: []).plan()
        #expect(plan.contains { $0.contains("create table doorbell.ledger (") })
        _ = try Installer(conninfo: conninfo, tables: []).install()
        #expect(try Preflight(conninfo: conninfo).check(tables: []).isEmpty)
        #expect(try app.run("select version from doorbell.meta") == [["\(OutboxSchema.version)"]])
        #expect(try app.run("select stage from doorbell.stages") == [["push"]])
        #expect(
            try app.run(
                "select distinct tableowner from pg_tables where schemaname = 'doorbell' and tablename ~ 'ledger'")
                == [["doorbell"]])
        var random = SplitMix(state: 4)
        let rows = Self.rows(&random, minutes: 0..<1)
        let store = LedgerStore(conninfo: conninfo)
        try await store.write(rows, [], now: Self.at(Self.begin + 60), retention: .seconds(3600))
        #expect(try await read(store).sum.lines == Self.sums(rows))
    }

    @Test("the database's own counters: transactions always, statements where they are counted") func databaseCount()
        async throws
    {
        let (conninfo, app) = try installed()
        let store = LedgerStore(conninfo: conninfo)
        let before = try await store.databaseCount()
        #expect(before.statements == nil)
        for _ in 0..<200 { try app.run("select 1") }
        // A backend reports what it did once a second, or when it ends.
        try await eventually("they are counted") {
            let after = try await store.databaseCount()
            return (after.transactions ?? 0) >= (before.transactions ?? 0) + 200
        }
        // There, but not loaded: nothing is known, and nothing fails.
        let extensions = try app.run("select from pg_available_extensions where name = 'pg_stat_statements'")
        guard !extensions.isEmpty else { return }
        try app.run("create schema stats; create extension pg_stat_statements schema stats")
        #expect(try await store.databaseCount().statements == nil)
    }
}
