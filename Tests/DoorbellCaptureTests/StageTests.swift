import DoorbellCore
import DoorbellTesting
import Logging
import Testing

@testable import DoorbellCapture

/// Stages in a real database: one statement moves a feature, the log of it only grows, and every follower hears of it.
@Suite("Stages") struct StageTests {
    private struct TimedOut: Error { let what: String }

    /// A follower that runs until the test ends.
    private final class Following: Sendable {
        private let known = Locked<[String: Rollout]?>(nil)
        private let task: Task<Void, any Error>

        init(_ conninfo: String, refresh: Duration = .seconds(3600)) {
            let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let known = known
            let follower = StageFollower(conninfo: conninfo, refresh: refresh, logger: quiet) { rows in
                known.withLock { $0 = rows }
            }
            task = Task { try await follower.run() }
        }

        deinit { task.cancel() }

        func stop() async throws {
            task.cancel()
            try await task.value
        }

        subscript(feature: String) -> String? { known.withLock { $0?[feature]?.description } }
        var hasRead: Bool { known.withLock { $0 != nil } }

        /// - Returns: How long it took.
        @discardableResult
        func until(_ what: String, within limit: Duration = .seconds(30), _ isDone: (Following) -> Bool) async throws
            -> Duration
        {
            let begin = ContinuousClock.now
            while !isDone(self) {
                guard ContinuousClock.now - begin < limit else { throw TimedOut(what: what) }
                try await Task.sleep(for: .milliseconds(2))
            }
            return ContinuousClock.now - begin
        }
    }

    private func installed() throws -> (conninfo: String, app: ScratchConnection, store: StageStore) {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        _ = try Installer(conninfo: conninfo, tables: []).install()
        return (conninfo, try ScratchConnection(conninfo), StageStore(conninfo: conninfo))
    }

    private func state(_ app: ScratchConnection, _ sql: String) -> String? {
        do {
            try app.run(sql)
            return nil
        } catch {
            return (error as? ScratchConnection.Failure)?.sqlState
        }
    }

    private func change(
        _ stage: Stage, _ percent: String? = nil, of feature: String = "orders", why: String? = nil,
        expected: Int64? = nil
    ) -> StageChange {
        StageChange(
            feature: feature, target: Rollout(stage, percent: percent.flatMap { Percent($0) }), who: "ada", why: why,
            expected: expected)
    }

    @Test("a step is a row in the present and a row in the log, with who, when, why and the evidence") func step()
        throws
    {
        let (_, app, store) = try installed()
        #expect(try store.rollouts() == [:])
        var first = change(.canary, "2.5", why: "begin \"it\"")
        first.evidence = #"{"parity": 0.9991}"#
        first.initial = Rollout(.shadow)
        let moved = try store.move(first)
        #expect(moved.description == "canary 2.5 %" && moved.entry?.who == "ada" && moved.entry?.why == "begin \"it\"")
        try store.move(change(.push))
        try store.move(change(.observe, of: "news"))
        let records = try store.records(of: "orders", limit: 10)
        #expect(records.map(\.after.description) == ["push", "canary 2.5 %"])
        #expect(records.map { $0.before?.description } == ["canary 2.5 %", "shadow"])
        #expect(records[1].evidence == #"{"parity": 0.9991}"# && records[1].login == "postgres")
        #expect(records[0].revision == (try store.rollouts()["orders"]?.entry?.revision))
        #expect(try store.records(of: nil, limit: 10).count == 3)
        #expect(try store.records(of: nil, limit: 1).map(\.feature) == ["news"])
        let clock = try app.run("select (date_part('epoch', clock_timestamp()) * 1000000)::int8")[0][0].flatMap {
            Int64($0)
        }
        #expect(abs((clock ?? 0) - records[0].at.microseconds) < 60_000_000)
    }

    @Test("a step to where the feature is already changes nothing") func same() throws {
        let (_, app, store) = try installed()
        let first = try store.move(change(.canary, "5"))
        #expect(try store.move(change(.canary, "5.00", why: "again")) == first)
        #expect(try app.run("select from doorbell.audit").count == 1)
    }

    @Test("who decides upon what has changed meanwhile changes nothing") func conflict() async throws {
        let (_, _, store) = try installed()
        let first = try store.move(change(.canary, "5", expected: 0))
        try store.move(change(.observe))
        let old = try #require(first.entry?.revision)
        for expected in [0, old] as [Int64] {
            let error = await #expect(throws: DoorbellError.self) {
                try await store.moveSoon(change(.push, expected: expected))
            }
            #expect(error?.code == .conflict)
        }
        let now = try #require(try store.rollouts()["orders"])
        #expect(now.stage == .observe)
        #expect(try await store.moveSoon(change(.push, expected: now.entry?.revision)).stage == .push)
    }

    @Test(
        "what makes no sense is refused by the database itself",
        arguments: [
            "null, 'push'", "'', 'push'", "repeat('x', 65), 'push'", "'a', 'pushed'", "'a', null", "'a', 'canary'",
            "'a', 'push', 5", "'a', 'canary', 101", "'a', 'canary', -1", "'a', 'canary', 1.234",
            "'a', 'canary', 'NaN'", "'a', 'push', null, ''", "'a', 'push', who => repeat('x', 257)",
            "'a', 'push', why => repeat('x', 4097)", "'a', 'push', evidence => to_jsonb(repeat('x', 65536))",
        ]) func refused(_ arguments: String) throws
    {
        let (_, app, _) = try installed()
        #expect(state(app, "select doorbell.set_stage(\(arguments))") == "22023")
        #expect(try app.run("select from doorbell.audit").isEmpty)
        #expect(state(app, "select doorbell.set_stage('a', 'observe', why => 'by hand')") == nil)
        #expect(try app.run("select who, why from doorbell.stages") == [["postgres", "by hand"]])
    }

    @Test("the log only grows, and nobody but the owner and its members may move a feature") func rights() throws {
        let (conninfo, app, store) = try installed()
        try store.move(change(.push))
        for sql in ["update doorbell.audit set who = 'x'", "delete from doorbell.audit", "truncate doorbell.audit"] {
            #expect(state(app, sql) == "55000")
        }
        try app.run("do $$ begin create role passer_by login; exception when duplicate_object then null; end $$")
        let stranger = try ScratchConnection(conninfo.replacing("user=postgres", with: "user=passer_by"))
        for sql in [
            "select doorbell.set_stage('orders', 'push')", "select from doorbell.stages", "select from doorbell.audit",
            "insert into doorbell.stages values ('a', 'push', null, now(), 'x', null, 1)",
        ] { #expect(state(stranger, sql) == "42501") }
        let member = try ScratchConnection(conninfo)
        try app.run("do $$ begin create role operator_ login; exception when duplicate_object then null; end $$")
        try member.run("grant doorbell to operator_")
        let operators = StageStore(conninfo: conninfo.replacing("user=postgres", with: "user=operator_"))
        try operators.move(change(.observe))
        #expect(try operators.records(of: "orders", limit: 1).first?.login == "operator_")
        try member.run("revoke doorbell from operator_")
        let error = #expect(throws: DoorbellError.self) { try operators.rollouts() }
        #expect(error?.code == .permission)
    }

    @Test("two at a time take one step after the other, and the present is the newest in the log") func concurrent()
        async throws
    {
        let (_, app, store) = try installed()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...16 {
                group.addTask { _ = try await store.moveSoon(change(.canary, String(number))) }
            }
            try await group.waitForAll()
        }
        let steps = try app.run("select coalesce(percent_before, 0), percent from doorbell.audit order by revision")
        #expect(steps.count == 16)
        #expect(zip(steps, steps.dropFirst()).allSatisfy { $0[1] == $1[0] }, "each begins where the one before ended")
        #expect(try app.run("select percent from doorbell.stages") == [[steps[15][1]]])
    }

    @Test("followers on every node hear of a step within a second") func followers() async throws {
        let (conninfo, app, store) = try installed()
        try store.move(change(.shadow))
        let nodes = [Following(conninfo), Following(conninfo)]
        for node in nodes { try await node.until("the first reading") { $0["orders"] == "shadow" } }
        for (percent, told) in [("5", "canary 5 %"), ("20", "canary 20 %")] {
            try store.move(change(.canary, percent))
            for node in nodes { #expect(try await node.until(told) { $0["orders"] == told } < .seconds(1)) }
        }
        try app.run("begin; select doorbell.set_stage('orders', 'observe', why => 'by hand'); rollback")
        try app.run("select doorbell.set_stage('news', 'push')")
        for node in nodes {
            #expect(try await node.until("a step by hand") { $0["news"] == "push" } < .seconds(1))
            #expect(node["orders"] == "canary 20 %", "what was rolled back was never told")
            try await node.stop()
        }
    }

    @Test("a follower finds its connection again, keeps what it knew, and has what it missed") func reconnects()
        async throws
    {
        let (conninfo, app, store) = try installed()
        try store.move(change(.push))
        let node = Following(conninfo)
        try await node.until("the first reading") { $0["orders"] == "push" }
        let kill =
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'doorbell stages'"
            + " and datname = current_database()"
        for round in 0..<3 {
            #expect(try app.run(kill).count == 1)
            #expect(node["orders"] != nil)
            let stage = round % 2 == 0 ? Stage.observe : .push
            try store.move(change(stage))
            try await node.until("the step") { $0["orders"] == stage.rawValue }
            let alive = kill.replacing("pg_terminate_backend(pid)", with: "pid")
            try await node.until("another connection") { _ in ((try? app.run(alive)) ?? []).count == 1 }
        }
        try await node.stop()
    }

    @Test("a step that nobody notified of is seen at the next look") func net() async throws {
        let (conninfo, app, _) = try installed()
        let node = Following(conninfo, refresh: .milliseconds(200))
        try await node.until("the first reading") { $0.hasRead }
        try app.run("insert into doorbell.stages values ('orders', 'push', null, now(), 'x', null, 1)")
        try await node.until("the next look") { $0["orders"] == "push" }
        try await node.stop()
    }

    @Test("a database that is away is waited for, and a follower that is told to stop stops meanwhile") func away()
        async throws
    {
        let cluster = try ScratchPostgres()
        defer { cluster.remove() }
        let conninfo = try cluster.makeDatabase()
        _ = try Installer(conninfo: conninfo, tables: []).install()
        let store = StageStore(conninfo: conninfo)
        try store.move(change(.push))
        let node = Following(conninfo)
        try await node.until("the first reading") { $0["orders"] == "push" }
        try cluster.stop(immediate: true)
        try await Task.sleep(for: .milliseconds(300))
        #expect(node["orders"] == "push")
        let error = #expect(throws: DoorbellError.self) { try store.rollouts() }
        #expect(error?.code == .database)
        try cluster.start()
        try store.move(change(.observe))
        try await node.until("the step") { $0["orders"] == "observe" }
        try cluster.stop(immediate: true)
        try await node.stop()
    }

    @Test("an installation of version 2 is brought up to date, and what it knew is kept") func upgrade() throws {
        let (conninfo, app, store) = try installed()
        try app.run(
            """
            drop table doorbell.stages, doorbell.audit, doorbell.ledger, doorbell.ledger_usage; drop function doorbell.keep_audit(),
                doorbell.set_stage(text, text, numeric, text, text, jsonb, int8, text, numeric);
            update doorbell.meta set version = 2
            """)
        let epoch = try app.run("select epoch from doorbell.meta")
        let error = #expect(throws: DoorbellError.self) { try store.rollouts() }
        #expect(error?.hint?.hasPrefix("Run 'doorbell install' to bring it up to date") == true)
        let installer = Installer(conninfo: conninfo, tables: [])
        #expect(try installer.plan().contains { $0.contains("create table doorbell.audit") })
        _ = try installer.install()
        #expect(try app.run("select epoch from doorbell.meta") == epoch)
        try store.move(change(.push))
        _ = try installer.install()
        #expect(try store.rollouts()["orders"]?.stage == .push, "installing again leaves the stages alone")
        let open = """
            select from pg_proc p, lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
            where pronamespace = 'doorbell'::regnamespace and a.grantee = 0
            """
        #expect(try app.run(open).isEmpty, "no function is open to everybody")
        _ = try installer.uninstall()
        #expect(try app.run("select from pg_namespace where nspname = 'doorbell'").isEmpty)
    }
}
