import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Testing

/// What happens when something goes away, and what comes again afterwards.
@Suite("Recovery") struct RecoveryTests {
    private func texts(_ sink: RecordingSink) -> [String] {
        sink.changes.map { "\($0.position) " + CaptureHarness.text($0) + " \($0.committedAt.microseconds)" }
    }

    @Test("a new process reads the same changes at the same positions, and says what is replayed") func replay()
        async throws
    {
        let (harness, app) = try await CaptureHarness.live("create table t (id int primary key)", tables: [.named("t")])
        for id in 1...30 { try app.run("insert into t values (\(id))") }
        _ = try await harness.changes(30)
        try await harness.stop()
        try app.run("insert into t select generate_series(31, 2500)")
        let again = CaptureHarness(conninfo: harness.conninfo)
        try await again.untilLive()
        _ = try await again.changes(2500)
        #expect(Array(texts(again.sink).prefix(30)) == texts(harness.sink))
        guard case .opened(let floor, let end?) = again.sink.events[1] else { throw ScriptError() }
        #expect(floor.tick == 1 && floor.seq == 0 && end >= harness.sink.changes[29].position)
        #expect(again.sink.changes[30].position > end)
        // Batches are bounded and of one tick each.
        for case .batch(let batch) in again.sink.events {
            #expect(batch.changes.count <= 1000)
            #expect(Set(batch.changes.map(\.position.tick)).count == 1)
            #expect(batch.head == batch.changes.last?.position)
        }
        try await again.stop()
    }

    struct ScriptError: Error {}

    @Test("a terminated backend is replaced, also in the middle of a tick, and nothing comes twice") func terminated()
        async throws
    {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run("create table t (id int primary key)")
        _ = try Installer(conninfo: conninfo, tables: [.named("t")]).install()
        let kill =
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'doorbell'"
            + " and datname = current_database()"
        // Ends the connection while its rows are on the way.
        let sink = RecordingSink { batch in
            if batch.changes.contains(where: { $0.after?.text(of: "id") == "2000" }) {
                _ = try? ScratchConnection(conninfo).run(kill)
            }
        }
        let harness = CaptureHarness(conninfo: conninfo, sink: sink) { $0.batchRows = 100 }
        try await harness.untilLive()
        try app.run("insert into t select generate_series(1, 200000)")
        _ = try await harness.changes(200_000)
        try app.run(kill)
        try app.run("insert into t values (200001)")
        _ = try await harness.changes(200_001)
        #expect(sink.changes.map { $0.after?.text(of: "id") } == (1...200_001).map { "\($0)" })
        #expect(sink.events.contains { if case .status(.down) = $0 { true } else { false } })
        let opened = sink.events.compactMap { event -> Position?? in
            if case .opened(_, let end) = event { .some(end) } else { nil }
        }
        #expect(opened.count >= 2 && opened.dropFirst().allSatisfy { $0 == nil })
        try await harness.untilLive()
        try await harness.stop()
    }

    @Test("an immediate restart of PostgreSQL loses nothing") func restart() async throws {
        let cluster = try ScratchPostgres()
        defer { cluster.remove() }
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int primary key)", tables: [.named("t")], on: cluster)
        try app.run("insert into t values (1)")
        try app.run("insert into t values (2)")
        try cluster.restart(immediate: true)
        let second = try ScratchConnection(harness.conninfo)
        try second.run("insert into t values (3)")
        try cluster.crash()
        try await harness.sink.wait(for: "the crash to be seen") { !$0.status.isLive }
        try cluster.start()
        try ScratchConnection(harness.conninfo).run("insert into t values (4)")
        let changes = try await harness.changes(4)
        #expect(changes == (1...4).map { #"insert public.t {"id":\#($0)}"# })
        try await harness.stop()
    }

    @Test("a follower delivers the same ticks, and leads when the leader goes") func takeOver() async throws {
        let (leader, app) = try await CaptureHarness.live("create table t (id int primary key)", tables: [.named("t")])
        #expect(leader.sink.status == .live(leader: true))
        let follower = CaptureHarness(conninfo: leader.conninfo)
        try await follower.untilLive()
        #expect(follower.sink.status == .live(leader: false))
        for id in 1...50 { try app.run("insert into t values (\(id))") }
        _ = try await leader.changes(50)
        _ = try await follower.changes(50)
        #expect(texts(leader.sink) == texts(follower.sink))
        try await leader.stop()
        try app.run("insert into t values (51)")
        _ = try await follower.changes(51)
        #expect(follower.sink.status == .live(leader: true))
        try await follower.stop()
    }

    @Test("old tables are emptied, and rows that an open transaction may still need are not") func retention()
        async throws
    {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int primary key)", tables: [.named("t")]
        ) { $0.retention = .seconds(1) }
        let long = try ScratchConnection(harness.conninfo)
        try long.run("begin; insert into t values (-1)")
        try app.run("insert into t values (1)")
        _ = try await harness.changes(1)
        let size = "select sum(pg_relation_size('doorbell.outbox_' || i)) from generate_series(0, 7) i"
        let through = "select truncated_through from doorbell.meta"
        let other = try ScratchConnection(harness.conninfo)
        // Rows of later ticks go to later tables, which are emptied while the transaction is open.
        try await harness.sink.wait(for: "a truncation") { _ in
            try other.run("insert into t values ((random() * 1e9)::int) on conflict do nothing; select pg_sleep(0.05)")
            return try other.run(through)[0][0] != "0"
        }
        try long.run("commit")
        try await harness.sink.wait(for: "the row of the long transaction") {
            $0.changes.contains { $0.after?.text(of: "id") == "-1" }
        }
        try await harness.sink.wait(for: "an empty outbox") { _ in try other.run(size)[0][0] == "0" }
        let positions = harness.sink.changes.map(\.position)
        #expect(positions == positions.sorted() && Set(positions).count == positions.count)
        try await harness.stop()
        let again = CaptureHarness(conninfo: harness.conninfo)
        try await again.untilLive()
        guard case .opened(let floor, _) = again.sink.events[1] else { throw ScriptError() }
        #expect("\(floor.tick - 1)" == (try app.run(through)[0][0]))
        #expect(again.sink.changes.allSatisfy { $0.position > floor })
        try await again.stop()
    }

    @Test("another cluster's copy of the log starts a new epoch") func epoch() async throws {
        let (harness, app) = try await CaptureHarness.live("create table t (id int)", tables: [.named("t")])
        try app.run("insert into t values (1)")
        _ = try await harness.changes(1)
        try await harness.stop()
        for column in ["timeline = '000000FF'", "system_identifier = 1"] {
            let before = try app.run("select epoch from doorbell.meta")[0][0].flatMap { UInt64($0) } ?? 0
            try app.run("insert into t values (2); update doorbell.meta set \(column)")
            let again = CaptureHarness(conninfo: harness.conninfo)
            try await again.untilLive()
            try app.run("insert into t values (3)")
            try await again.sink.wait(for: "the new row") { $0.changes.last?.after?.text(of: "id") == "3" }
            #expect(again.sink.changes.allSatisfy { $0.position.epoch > before })
            // On another timeline of the same cluster what was not ticked yet is still good.
            #expect(again.sink.changes.count == (column.hasPrefix("timeline") ? 2 : 1))
            try await again.stop()
        }
    }

    @Test("prepared transactions are captured, and PREPARE never fails because of us") func twoPhase() async throws {
        let cluster = try ScratchPostgres(settings: ["max_prepared_transactions = 5"])
        defer { cluster.remove() }
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int)", tables: [.named("t")], on: cluster)
        for id in 1...20 {
            try app.run("begin; insert into t values (\(id))")
            try app.run("prepare transaction 'p'")
            try app.run("insert into t values (-\(id))")
            _ = try await harness.changes(2 * id - 1)
            try app.run("commit prepared 'p'")
            _ = try await harness.changes(2 * id)
        }
        try await harness.stop()
    }

    @Test("channel queries run read-only, with a deadline, and fail alone") func queries() async throws {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int, room text); create table m (room text, who text)", tables: [.named("t")]
        ) { $0.queryTimeout = .milliseconds(200) }
        try app.run("insert into m values ('a', 'x'), ('a', 'y')")
        harness.sink.resolve(with: try ChannelQuery("select 'user:' || who from m where room = {room} order by 1"))
        try app.run("insert into t values (1, 'a')")
        _ = try await harness.changes(1)
        harness.sink.resolve(with: try ChannelQuery("select pg_sleep(5)::text where {room} is null"))
        try app.run("insert into t values (2, null)")
        _ = try await harness.changes(2)
        harness.sink.resolve(with: try ChannelQuery("insert into m values ({room}, 'z') returning who"))
        try app.run("insert into t values (3, 'b')")
        _ = try await harness.changes(3)
        let resolved = harness.sink.resolved
        #expect(try resolved[0].get() == ["user:x", "user:y"])
        #expect(throws: RecordingSink.ResolveFailure.self) { try resolved[1].get() }
        #expect(throws: RecordingSink.ResolveFailure.self) { try resolved[2].get() }
        #expect(harness.sink.status.isLive)
        try await harness.stop()
    }
}
