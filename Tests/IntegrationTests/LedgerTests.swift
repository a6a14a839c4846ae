import DoorbellCapture
import DoorbellCore
import DoorbellRollout
import DoorbellTestSupport
import DoorbellTesting
import Foundation
import Logging
import NIOCore
import Testing

@testable import Doorbell

/// What the service says that polling and push cost, against what clients see, over restarts, and of several nodes.
@Suite(.serialized, .timeLimit(.minutes(3))) struct LedgerTests {
    private static let cluster = Result { try ScratchPostgres() }

    private let conninfo: String
    private let database: ScratchConnection
    private let legacy: LegacyDatabase

    init() async throws {
        conninfo = try Self.cluster.get().makeDatabase()
        database = try ScratchConnection(conninfo)
        try database.run(
            """
            create table events (
                id int primary key, at bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint);
            insert into events values (0)
            """)
        legacy = try await LegacyDatabase(
            conninfo,
            queries: [
                "/events": "select json_agg(e) from (select id, at from events order by id desc limit 60) e",
                "/others": "select '[]'",
            ])
    }

    /// - Parameter batch: Changes wait for up to a second before they are pushed, so that it does not matter how fast this machine is.
    private func doorbell(batch: String = "1s", _ more: String = "") throws -> DoorbellProcess {
        let doorbell = try DoorbellProcess(
            configuration: """
                database: \(conninfo)
                upstream: \(legacy.url)
                features:
                  events:
                    poll: GET /events
                    tables: [{ name: events, channel: events }]
                    authorize: public
                    batch: \(batch)
                    stage: push
                  others:
                    poll: GET /others
                    tables: [{ name: events, channel: others }]
                    mode: signal
                \(more)
                """)
        let installed = try doorbell.command("install")
        #expect(installed.status == 0, "\(installed.error)")
        return doorbell
    }

    private func report(_ doorbell: DoorbellProcess, _ query: String = "") async throws -> ComparisonReport {
        let answer = try await doorbell.get("/comparison" + query, port: doorbell.adminPort)
        #expect(answer.status == 200)
        return try JSONDecoder().decode(ComparisonReport.self, from: Data(answer.body.utf8))
    }

    private func line(
        _ report: ComparisonReport, _ path: Ledger.Path, _ cohort: Ledger.Cohort = .push, feature: String = "events"
    ) throws -> ComparisonReport.Line {
        try #require(
            report.lines.first { $0.feature == feature && $0.path == path && $0.cohort == cohort },
            "\(path) of \(report.lines.map { "\($0.feature) \($0.cohort) \($0.path)" })")
    }

    private static func percentile(_ values: [Double], _ percent: Double) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[max(0, Int((Double(sorted.count) * percent / 100).rounded(.up)) - 1)]
    }

    @Test("what the ledger says of staleness, answers and bytes is what independent clients see")
    func agreement() async throws {
        let doorbell = try doorbell()
        try doorbell.serve()
        try await doorbell.untilReady()
        let port = doorbell.port
        var polling: [WatchingClient] = []
        for number in 0..<6 {
            // Who polls is told apart by the URL here; those with an odd number send tags.
            polling.append(
                try await .polling(port: port, path: "/events?client=\(number)", sendsTags: number % 2 == 1))
        }
        var pushed: [WatchingClient] = []
        for _ in 0..<6 { pushed.append(try await .pushed(port: port, channel: "events")) }
        try await eventually("everybody is there") {
            polling.allSatisfy { $0.answers == 1 && $0.seen == 1 }
                && pushed.allSatisfy { $0.text.contains("subscribed") }
        }
        for client in polling + pushed { client.count() }
        for (number, client) in polling.enumerated() {
            client.poll(every: .seconds(1), after: .milliseconds(Int64(number) * 170))
        }
        var random = SplitMix(state: 7)
        let count = 100
        for id in 1...count {
            try database.run("insert into events values (\(id))")
            try await Task.sleep(for: .milliseconds(Int.random(in: 20..<240, using: &random)))
        }
        // The first poll of each showed the row that was there; what was pushed is only what came.
        try await eventually("everybody has seen everything") {
            polling.allSatisfy { $0.seen == count + 1 } && pushed.allSatisfy { $0.seen == count }
        }
        let answers = polling.map(\.answers)
        try await eventually("two more polls") { zip(polling, answers).allSatisfy { $0.answers >= $1 + 2 } }
        for client in polling { client.stopPolling() }
        try await Task.sleep(for: .milliseconds(300))
        for client in polling + pushed { await client.close() }
        try await eventually("everybody is gone") {
            try await doorbell.get("/metrics", port: doorbell.adminPort).body
                .contains("doorbell_connections{transport=\"websocket\"} 0\n")
        }

        let report = try await report(doorbell, "?since=1h")
        let groups: [(Ledger.Path, [WatchingClient])] = [
            (.poll, polling.filter { $0.isPlain }), (.conditional, polling.filter { !$0.isPlain }), (.push, pushed),
        ]
        for (path, clients) in groups {
            let line = try line(report, path)
            // The first poll of those that send tags had none to send.
            var (requests, up, down) = (clients.reduce(0) { $0 + $1.answers }, 0, 0)
            for client in clients { (up, down) = (up + client.bytes.up, down + client.bytes.down) }
            if path == .push {
                requests = clients.reduce(0) { $0 + $1.staleness.count }
                #expect(line.total.bytesUp == UInt64(up) && line.total.bytesDown == UInt64(down))
                #expect(line.total.connectionSeconds > 10 * 6)
            }
            let seen = clients.flatMap(\.staleness)
            #expect(line.total.told == UInt64(seen.count) && seen.count == count * clients.count, "\(path)")
            if path == .push { #expect(line.total.requests == UInt64(requests)) }
            let told = try #require(line.total.staleness)
            for (percent, ledger) in [(50.0, told.p50), (95, told.p95)] {
                let client = Self.percentile(seen, percent)
                #expect(
                    abs(ledger - client) <= max(client * 0.05, 0.005),
                    "\(path) p\(Int(percent)): the ledger says \(ledger) s, clients saw \(client) s")
            }
        }
        // Both kinds of polls together: the first ones of all are plain.
        let (plain, tagged) = (try line(report, .poll), try line(report, .conditional))
        #expect(plain.total.requests + tagged.total.requests == UInt64(polling.reduce(0) { $0 + $1.answers }))
        #expect(plain.total.unchanged + tagged.total.unchanged == UInt64(polling.reduce(0) { $0 + $1.unchanged }))
        #expect(plain.total.originRequests == plain.total.requests)
        #expect(plain.total.bytesUp + tagged.total.bytesUp == UInt64(polling.reduce(0) { $0 + $1.bytes.up }))
        #expect(plain.total.bytesDown + tagged.total.bytesDown == UInt64(polling.reduce(0) { $0 + $1.bytes.down }))
        #expect(plain.total.bytesTagsWouldSave > 0 && tagged.total.bytesTagsWouldSave == 0)
        // Something was spent on each, and not more than the process had.
        let spent = report.lines.reduce(0) { $0 + $1.total.cpuSeconds }
        let process = try #require(report.processes.first { $0.name == "doorbell" }?.cpuSeconds)
        #expect(spent > 0 && spent <= process, "\(spent) of \(process)")
        #expect(report.features.map(\.name) == ["events", "others"] && report.step == 10)
    }

    #if canImport(Glibc)
    @Test("at push without delay it is what clients see, too: from the row's own time until the kernel had the message")
    func agreementUnbatched() async throws {
        let doorbell = try doorbell(batch: "0s")
        try doorbell.serve()
        try await doorbell.untilReady()
        let clients = try (0..<4).map { _ in try ArrivalClient(port: doorbell.port, channel: "events") }
        try await eventually("everybody is there") { clients.allSatisfy { $0.isSubscribed } }
        var random = SplitMix(state: 11)
        let count = 300
        for id in 1...count {
            try database.run("insert into events values (\(id))")
            try await Task.sleep(for: .milliseconds(Int.random(in: 5..<30, using: &random)))
        }
        try await eventually("everybody has seen everything") { clients.allSatisfy { $0.staleness.count == count } }
        for client in clients { try await client.close() }
        let line = try line(try await report(doorbell, "?since=1h"), .push)
        #expect(line.total.told == UInt64(count * clients.count))
        let told = try #require(line.total.staleness)
        let seen = clients.flatMap(\.staleness)
        for (percent, ledger) in [(50.0, told.p50), (95, told.p95)] {
            let client = Self.percentile(seen, percent)
            // Half a millisecond: the row is dated before its trigger runs, and the ledger looks at the clock once, when all are told.
            #expect(
                abs(ledger - client) <= max(client * 0.05, 0.0005),
                "p\(Int(percent)): the ledger says \(ledger * 1000) ms, clients saw \(client * 1000) ms")
        }
        #expect(doorbell.terminate() == 0)
    }
    #endif

    @Test("figures stay over a restart, a series has a bound, and what nobody can mean is refused")
    func restart() async throws {
        let doorbell = try doorbell()
        try doorbell.serve()
        try await doorbell.untilReady()
        for _ in 0..<10 { #expect(try await doorbell.get("/events").status == 200) }
        for _ in 0..<3 { #expect(try await doorbell.get("/others").status == 200) }
        let before = try await report(doorbell)
        #expect(try line(before, .poll).total.requests == 10)
        #expect(try line(before, .poll, .poll, feature: "others").total.requests == 3)
        #expect(doorbell.terminate() == 0)
        #expect(try database.run("select sum(requests) from doorbell.ledger") == [["13"]])
        try doorbell.serve()
        try await doorbell.untilReady()
        for _ in 0..<4 { #expect(try await doorbell.get("/events").status == 200) }
        let after = try await report(doorbell)
        #expect(try line(after, .poll).total.requests == 14)
        #expect(after.paths.first { $0.path == .poll }?.points.reduce(0) { $0 + $1.total.requests } == 17)
        #expect(after.step >= 60 && (after.until - after.from) / after.step <= 301)
        let one = try await report(doorbell, "?since=2h&feature=others&points=none")
        #expect(one.lines.map(\.feature) == ["others"] && one.paths.isEmpty)
        let all = try await report(doorbell, "?since=7200&points=all")
        #expect(try line(all, .poll).points.reduce(0) { $0 + $1.total.requests } == 14)
        for odd in ["?since=yesterday", "?since=0", "?since=-5", "?points=some", "?since=nan"] {
            #expect(try await doorbell.get("/comparison" + odd, port: doorbell.adminPort).status == 400, "\(odd)")
        }
        #expect(doorbell.terminate() == 0)
    }

    @Test("what two nodes counted is one sum at either")
    func nodes() async throws {
        let (one, two) = (try doorbell(), try doorbell())
        for node in [one, two] {
            try node.serve()
            try await node.untilReady()
        }
        for _ in 0..<5 { #expect(try await one.get("/events").status == 200) }
        for _ in 0..<7 { #expect(try await two.get("/events").status == 200) }
        #expect(one.terminate() == 0)
        let sum = try await report(two)
        #expect(try line(sum, .poll).total.requests == 12)
        #expect(two.terminate() == 0)
        #expect(try database.run("select count(distinct node) from doorbell.ledger") == [["2"]])
        #expect(try database.run("select sum(requests) from doorbell.ledger") == [["12"]])
    }

    @Test(
        "statements are counted where the server has loaded pg_stat_statements, and only there",
        arguments: [true, false])
    func statements(isLoaded: Bool) async throws {
        let cluster = try ScratchPostgres(
            settings: isLoaded ? ["shared_preload_libraries = 'pg_stat_statements'"] : [])
        defer { cluster.remove() }
        let conninfo = try cluster.makeDatabase()
        let app = try ScratchConnection(conninfo)
        _ = try Installer(conninfo: conninfo, tables: []).install()
        if isLoaded { try app.run("create extension pg_stat_statements") }
        let clock = Locked(Timestamp(microseconds: 1_800_000_000_000_000))
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let now = { @Sendable in clock.withLock { $0 } }
        let store = LedgerStore(conninfo: conninfo)
        let node = LedgerService(
            ledger: LedgerRecorder(features: [], now: now), store: store, retention: .seconds(86_400),
            usage: UsageSampler(legacy: nil, logger: quiet), clock: nil, rollouts: RolloutBoard(features: []),
            logger: quiet, now: now)
        await node.countDatabase()
        let before = try await store.databaseCount()
        // Another application's: 300 statements in 100 transactions.
        for number in 0..<100 { try app.run("begin; select \(number); commit") }
        try await eventually("the server has counted them") {
            try await store.databaseCount().transactions ?? 0 >= (before.transactions ?? 0) + 100
        }
        await node.countDatabase()
        clock.withLock { $0 = $0.advanced(by: .seconds(60)) }
        node.closeInterval()
        node.ledger.closeAll()
        await node.write()
        let used = try #require(await node.report(ComparisonQuery(since: 3600)).database)
        #expect(used.transactions >= 100)
        if isLoaded {
            let statements = try #require(used.statements)
            #expect((300..<5000).contains(statements), "\(statements)")
            // Those of another database are not ours.
            let other = try ScratchConnection(try cluster.makeDatabase())
            let known = try await store.databaseCount().statements
            for _ in 0..<5000 { try other.run("select 1") }
            #expect(try await store.databaseCount().statements ?? .max < (known ?? 0) + 5000)
        } else {
            #expect(used.statements == nil)
        }
        // Kept, and of other nodes too.
        #expect(
            try app.run("select coalesce(sum(statements), -1) from doorbell.ledger_usage")
                == [["\(used.statements.map { Int64($0) } ?? -1)"]])
    }

    @Test("what is counted while the database is away is written when it is back, once, and reports go on meanwhile")
    func away() async throws {
        let cluster = try ScratchPostgres()
        defer { cluster.remove() }
        let conninfo = try cluster.makeDatabase()
        _ = try Installer(conninfo: conninfo, tables: []).install()
        let feature = Feature(
            name: "events", poll: try PollPattern("GET /events"), tables: [], channel: try ChannelTemplate("events"))
        let clock = Locked(Timestamp(microseconds: 1_800_000_000_000_000))
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        func node() -> LedgerService {
            let now = { @Sendable in clock.withLock { $0 } }
            return LedgerService(
                ledger: LedgerRecorder(features: ["events"], now: now), store: LedgerStore(conninfo: conninfo),
                retention: .seconds(30 * 86_400), usage: UsageSampler(legacy: nil, logger: quiet), clock: nil,
                rollouts: RolloutBoard(features: [feature]), logger: quiet, now: now)
        }
        let (mine, other) = (node(), node())
        var polls: UInt64 = 0
        func pass(intervals: Int) {
            for _ in 0..<intervals {
                mine.ledger.record(.init(isUnchanged: true, bytesUp: 10, bytesDown: 20, staleness: [0.5]), of: "events")
                polls += 1
                clock.withLock { $0 = $0.advanced(by: .seconds(10)) }
                mine.closeInterval()
            }
        }
        func requests(_ service: LedgerService, since: Double = 7 * 86_400) async -> UInt64 {
            await service.report(ComparisonQuery(since: since)).lines.reduce(0) { $0 + $1.total.requests }
        }
        pass(intervals: 12)
        await mine.write()
        #expect(await requests(other) == polls && polls == 12)
        #expect(await mine.report(ComparisonQuery(since: 3600)).trouble == nil)
        try cluster.stop(immediate: true)
        // Six hours, of which the last one is remembered by the minute.
        pass(intervals: 6 * 360)
        await mine.write()
        #expect(await requests(mine, since: 6 * 3600) >= polls - 12)
        // A time that was never asked for: what is missing is said, in words too.
        let less = await mine.report(ComparisonQuery(since: 5 * 86_400))
        #expect(less.trouble?.contains("could not be read, and is missing here") == true)
        #expect(less.text().contains("is missing here") && ComparisonPage.html(less).contains("is missing here"))
        try cluster.start()
        await mine.write()
        await mine.write()
        #expect(mine.ledger.pending.intervals.isEmpty && mine.ledger.pending.lost == 0)
        #expect(await requests(mine) == polls)
        clock.withLock { $0 = $0.advanced(by: .seconds(61)) }
        // However many ask at once.
        let sums = await withTaskGroup(of: UInt64.self) { tasks in
            for _ in 0..<8 { tasks.addTask { await requests(other) } }
            return await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(sums) == [polls])
        // All but the minute that is not over.
        #expect(await requests(other) == polls)
        #expect(await other.report(ComparisonQuery(since: 86_400)).lines.first?.total.told == polls)
    }
}

extension WatchingClient {
    /// Sends no tags.
    var isPlain: Bool { !sendsTags }
}
