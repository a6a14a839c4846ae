import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Testing

@Suite("Installer") struct InstallerTests {
    /// Everything that a schema, a role or a trigger could leave behind.
    private static let catalogue = """
        select 'n ' || nspname from pg_namespace where nspname !~ '^pg_(toast_)?temp'
        union all select 'r ' || rolname from pg_roles
        union all select 'c ' || relname from pg_class where relnamespace <> 'pg_toast'::regnamespace
        union all select 'p ' || proname || oid from pg_proc union all select 't ' || tgname from pg_trigger
        union all select 'm ' || roleid || member from pg_auth_members order by 1
        """

    private func database(_ schema: String) throws -> (String, ScratchConnection) {
        // A role belongs to the cluster, so a test that looks for what is left behind has one of its own.
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run(schema)
        return (conninfo, app)
    }

    @Test("uninstall leaves nothing behind, and may be run twice") func uninstall() throws {
        let (conninfo, app) = try database("create table t (id int primary key); create table u (a int)")
        let before = try app.run(Self.catalogue)
        let installer = Installer(
            conninfo: conninfo, tables: [.named("t"), .named("u", mode: .statement)], role: "owner of doorbell")
        _ = try installer.install()
        #expect(try app.run(Self.catalogue).count > before.count)
        _ = try installer.uninstall()
        #expect(try app.run(Self.catalogue) == before)
        #expect(try installer.uninstall().remarks.count == 1)
        try app.run("insert into t values (1); insert into u values (1)")
    }

    @Test("install twice changes nothing") func twice() throws {
        let (conninfo, app) = try database("create table t (id int primary key)")
        let installer = Installer(conninfo: conninfo, tables: [.named("t")])
        _ = try installer.install()
        let all = "select oid::text, tgname from pg_trigger order by 1"
        let triggers = try app.run(all)
        let meta = try app.run("select epoch from doorbell.meta")
        _ = try installer.install()
        #expect(try app.run(all) == triggers)
        #expect(try app.run("select epoch from doorbell.meta") == meta)
    }

    @Test("a table that is no longer wanted loses its triggers, a new one gets them") func changeTables() throws {
        let (conninfo, app) = try database("create table t (id int primary key); create table u (id int primary key)")
        _ = try Installer(conninfo: conninfo, tables: [.named("t")]).install()
        _ = try Installer(conninfo: conninfo, tables: [.named("u")]).install()
        let found = try app.run("select distinct tgrelid::regclass::text from pg_trigger where tgname ~ '^!doorbell'")
        #expect(found == [["u"]])
        #expect(try Preflight(conninfo: conninfo).check(tables: [(QualifiedName("u")!, ["id"])]).isEmpty)
        _ = try Installer(conninfo: conninfo, tables: [.named("u", mode: .statement)]).install()
        #expect(try Preflight(conninfo: conninfo).check(tables: [(QualifiedName("u")!, ["id"])]).isEmpty)
    }

    @Test("the number of a table that is captured no more is not given to another") func numbers() throws {
        let (conninfo, app) = try database("create table t (id int); create table u (id int); create table v (id int)")
        let numbers = "select table_name, id, mode from doorbell.tables order by id"
        _ = try Installer(conninfo: conninfo, tables: [.named("t"), .named("u")]).install()
        _ = try Installer(conninfo: conninfo, tables: [.named("t")]).install()
        #expect(try app.run(numbers) == [["t", "1", "row"], ["u", "2", "forgotten"]])
        _ = try Installer(conninfo: conninfo, tables: [.named("t"), .named("v")]).install()
        #expect(try app.run(numbers) == [["t", "1", "row"], ["u", "2", "forgotten"], ["v", "3", "row"]])
        let error = #expect(throws: DoorbellError.self) {
            try Preflight(conninfo: conninfo).check(tables: [(QualifiedName("u")!, [])])
        }
        #expect(error?.message.contains("not captured") == true)
        let epoch = try app.run("select epoch from doorbell.meta")
        _ = try Installer(conninfo: conninfo, tables: [.named("u"), .named("v")]).install()
        #expect(try app.run(numbers) == [["t", "1", "forgotten"], ["u", "2", "row"], ["v", "3", "row"]])
        // What was written to it meanwhile is missing in the log.
        #expect(try app.run("select epoch from doorbell.meta") != epoch)
    }

    @Test("the plan is what install runs, and changes nothing") func dryRun() throws {
        let (conninfo, app) = try database("create table t (id int primary key)")
        let installer = Installer(conninfo: conninfo, tables: [.named("t")])
        let plan = try installer.plan()
        #expect(plan.allSatisfy { $0.hasPrefix("-- ") && $0.hasSuffix(";") })
        #expect(try app.run("select from pg_namespace where nspname = 'doorbell'").isEmpty)
        try app.run(plan.joined(separator: "\n"))
        #expect(try Preflight(conninfo: conninfo).check(tables: [(QualifiedName("t")!, [])]).isEmpty)
    }

    @Test(
        "what cannot be installed leaves nothing half-installed",
        arguments: [
            ("create view v as select 1 as a", "v", "is not a table"),
            ("select", "missing", "there is no table public.missing"),
        ]) func refused(_ schema: String, _ table: String, _ message: String) throws
    {
        let (conninfo, app) = try database(schema)
        let error = #expect(throws: DoorbellError.self) {
            try Installer(conninfo: conninfo, tables: [.named(table)]).install()
        }
        #expect(error?.message.contains(message) == true)
        #expect(error?.hint != nil)
        #expect(try app.run("select from pg_namespace where nspname = 'doorbell'").isEmpty)
    }

    @Test("statement mode is refused where its order would be wrong") func statementMode() throws {
        let (conninfo, _) = try database(
            """
            create table p (id int) partition by range (id);
            create table t (id int);
            create function f() returns trigger language plpgsql as 'begin return null; end';
            create trigger x after insert on t for each row execute function f()
            """)
        for table in ["p", "t"] {
            let error = #expect(throws: DoorbellError.self) {
                try Installer(conninfo: conninfo, tables: [.named(table, mode: .statement)]).install()
            }
            #expect(error?.message.contains("statement mode") == true)
        }
    }

    @Test("a table held by a transaction fails the install in time, whole") func lockTimeout() throws {
        let (conninfo, app) = try database("create table t (id int)")
        let other = try ScratchConnection(conninfo)
        try other.run("begin; insert into t values (1)")
        let error = #expect(throws: DoorbellError.self) {
            try Installer(conninfo: conninfo, tables: [.named("t")], lockTimeout: .milliseconds(100)).install()
        }
        #expect(error?.hint?.contains("Nothing was changed") == true)
        #expect(try app.run("select from pg_namespace where nspname = 'doorbell'").isEmpty)
    }

    @Test("a user with CREATEROLE installs, serves and uninstalls without being superuser") func ordinaryUser()
        async throws
    {
        let cluster = try CaptureHarness.cluster.get()
        let admin = try ScratchConnection(cluster.conninfo())
        try admin.run("create role builder login createrole")
        let (conninfo, app) = try database("create schema app; create table app.t (id int primary key)")
        let name = try app.run("select current_database()")[0][0] ?? ""
        try app.run(
            "alter schema app owner to builder; alter table app.t owner to builder; grant create on database \(name) to builder"
        )
        let user = cluster.conninfo(database: name, user: "builder")
        let installer = Installer(conninfo: user, tables: [.named("app.t")], role: "builders_doorbell")
        _ = try installer.install()
        #expect(try Preflight(conninfo: user).check(tables: [(QualifiedName("app.t")!, ["id"])]).isEmpty)
        let harness = CaptureHarness(conninfo: user) { $0.retention = .seconds(1) }
        try await harness.untilLive()
        try app.run("insert into app.t values (1)")
        _ = try await harness.changes(1)
        try await harness.stop()
        _ = try installer.uninstall()
        #expect(try app.run("select from pg_roles where rolname = 'builders_doorbell'").isEmpty)
        _ = conninfo
    }
}
