import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Foundation
import Testing

/// Each finding of `doorbell doctor` about the database, produced for real.
@Suite("Database examination") struct DatabaseExaminationTests {
    private func findings(
        _ conninfo: String, tables: [String] = [], longTransaction: Double = 300, ahead seconds: Double = 0
    ) -> [String: Finding] {
        let examination = DatabaseExamination(
            conninfo: conninfo, tables: tables.map { (name: QualifiedName($0)!, columns: ["id"]) },
            retention: .seconds(60), longTransaction: longTransaction)
        let found = examination.findings {
            Timestamp(microseconds: Int64((Date().timeIntervalSince1970 + seconds) * 1e6))
        }
        return Dictionary(uniqueKeysWithValues: found.map { ($0.id, $0) })
    }

    private func installed(_ schema: String, _ tables: String...) throws -> (conninfo: String, app: ScratchConnection) {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run(schema)
        _ = try Installer(conninfo: conninfo, tables: tables.map { .named($0) }).install()
        return (conninfo, app)
    }

    @Test("a database that is ready: everything is well")
    func well() throws {
        let (conninfo, _) = try installed("create table t (id int primary key)", "t")
        let found = findings(conninfo, tables: ["t"])
        #expect(found.values.filter { $0.level != .ok } == [])
        #expect(found.count == 11)
        #expect(found["database.table.public.t"]?.text.contains("every trigger is enabled") == true)
    }

    @Test("no database, an empty database, and one of its tables that is not captured")
    func missing() throws {
        let nobody = findings("host=127.0.0.1 port=1 dbname=x")
        #expect(nobody.count == 1)
        #expect(nobody["database.connection"]?.level == .fail)
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        let empty = findings(conninfo)
        #expect(empty["database.schema"]?.mend == "Run 'doorbell install'.")
        #expect(empty.values.filter { $0.level == .fail }.count == 1 && empty["database.outbox"] == nil)
        let (other, app) = try installed("create table t (id int primary key)", "t")
        try app.run("create table u (id int)")
        let found = findings(other, tables: ["t", "u", "v"])
        #expect(found["database.table.public.t"]?.level == .ok)
        #expect(found["database.table.public.u"]?.text.contains("is not captured") == true)
        #expect(found["database.table.public.v"]?.text.contains("there is no table public.v") == true)
    }

    @Test("a trigger that was disabled, on a table and on one partition of another")
    func disabled() throws {
        let (conninfo, app) = try installed(
            """
            create table t (id int primary key);
            create table p (id int primary key) partition by range (id);
            create table p1 partition of p for values from (0) to (10);
            create table p2 partition of p for values from (10) to (20)
            """, "t", "p")
        try app.run("alter table t disable trigger all; alter table p2 disable trigger all")
        let found = findings(conninfo, tables: ["t", "p"])
        let whole = try #require(found["database.table.public.t"])
        #expect(whole.level == .fail)
        #expect(whole.text.contains("!doorbell_row on ") && whole.text.contains("is missing or disabled"))
        #expect(whole.mend == "Run 'doorbell install'.")
        let part = try #require(found["database.table.public.p"])
        #expect(part.level == .fail)
        #expect(
            part.text.contains("!doorbell_row on ") && part.text.contains("p2") && part.text.contains("is disabled"))
        #expect(part.mend == "Run 'doorbell install'.")
        _ = try Installer(conninfo: conninfo, tables: [.named("t"), .named("p")]).install()
        let mended = findings(conninfo, tables: ["t", "p"])
        #expect(mended["database.table.public.t"]?.level == .ok)
        #expect(mended["database.table.public.p"]?.level == .ok)
    }

    @Test("a table without a key is worth a word")
    func keyless() throws {
        let (conninfo, _) = try installed("create table t (id int)", "t")
        let finding = findings(conninfo, tables: ["t"])["database.table.public.t"]
        #expect(finding?.level == .warn)
        #expect(finding?.text == "public.t has no key: its messages carry none")
    }

    @Test("PgBouncer in transaction mode is told by what it does to notifications")
    func pooler() throws {
        let cluster = try CaptureHarness.cluster.get()
        let (conninfo, app) = try installed("create table t (id int primary key)", "t")
        #expect(findings(conninfo)["database.pooler"]?.level == .ok)
        let database = try app.run("select current_database()")[0][0] ?? ""
        guard let pooler = try ScratchPooler(to: cluster) else {
            print("SKIPPED: PgBouncer in transaction mode (there is no PgBouncer here)")
            return
        }
        defer { pooler.remove() }
        let pooled = pooler.conninfo(database: database)
        var found = findings(pooled)
        // It listens a moment after it has gone into the background.
        let deadline = ContinuousClock.now + .seconds(10)
        while found["database.connection"] != nil, ContinuousClock.now < deadline { found = findings(pooled) }
        #expect(found["database.pooler"]?.level == .fail)
        #expect(found["database.pooler"]?.text.contains("is a connection pooler") == true)
    }

    @Test("a standby")
    func standby() throws {
        let primary = try ScratchPostgres(settings: ["wal_level = replica", "max_wal_senders = 4"])
        defer { primary.remove() }
        let standby = try ScratchPostgres(standbyOf: primary)
        defer { standby.remove() }
        let found = findings(standby.conninfo())
        #expect(found["database.primary"]?.level == .fail)
        #expect(found["database.primary"]?.text.contains("is a standby") == true)
        #expect(found["database.schema"] == nil)
    }

    @Test("a long transaction is named with its process, and fails when it is very long")
    func transaction() throws {
        let (conninfo, app) = try installed("create table t (id int primary key)", "t")
        let pid = try app.run("begin; select pg_backend_pid()")[0][0] ?? "?"
        defer { _ = try? app.run("rollback") }
        try ScratchConnection(conninfo).run("select pg_sleep(0.2)")
        let warned = findings(conninfo, longTransaction: 0.1)["database.transactions"]
        #expect(warned?.level == .warn)
        #expect(warned?.text.contains("process \(pid), idle in transaction") == true)
        #expect(warned?.mend.contains("pg_terminate_backend(\(pid))") == true)
        #expect(findings(conninfo, longTransaction: 0.001)["database.transactions"]?.level == .fail)
        #expect(findings(conninfo)["database.transactions"]?.level == .ok)
    }

    @Test("clocks that disagree")
    func clocks() throws {
        let (conninfo, _) = try installed("create table t (id int primary key)", "t")
        let ahead = findings(conninfo, ahead: -30)["database.clock"]
        #expect(ahead?.level == .warn)
        #expect(ahead?.text == "the database's clock is 30 s ahead of this machine's")
        #expect(findings(conninfo, ahead: 10_800)["database.clock"]?.text.contains("3 h behind") == true)
    }

    @Test("an outbox that nobody empties")
    func outbox() throws {
        let (conninfo, app) = try installed("create table t (id int primary key)", "t")
        try app.run(
            """
            insert into t values (1);
            insert into doorbell.ticks (tick, snapshot, rows, at)
                select max(tick) + 1, pg_current_snapshot(), 1, now() - interval '1 hour' from doorbell.ticks
            """)
        let finding = findings(conninfo, tables: ["t"])["database.outbox"]
        #expect(finding?.level == .warn)
        #expect(finding?.text.contains("the oldest 60 min old, kept for 60 s") == true)
    }

    @Test("max_prepared_transactions is worth a word")
    func prepared() throws {
        let cluster = try ScratchPostgres(settings: ["max_prepared_transactions = 3"])
        defer { cluster.remove() }
        _ = try Installer(conninfo: cluster.conninfo(), tables: []).install()
        let finding = findings(cluster.conninfo())["database.prepared"]
        #expect(finding?.level == .warn)
        #expect(finding?.text == "max_prepared_transactions is 3")
    }
}
