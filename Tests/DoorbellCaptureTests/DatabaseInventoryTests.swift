import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Testing

/// What `doorbell init` reads of a database.
@Suite("Database inventory") struct DatabaseInventoryTests {
    private func database(_ schema: String) throws -> (conninfo: String, app: ScratchConnection) {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run(schema)
        return (conninfo, app)
    }

    private func tables(_ conninfo: String) throws -> [String: TableDescription] {
        let described = try DatabaseInventory(conninfo: conninfo).describe(sample: .zero)
        return Dictionary(uniqueKeysWithValues: described.tables.map { ($0.name.description, $0) })
    }

    @Test("columns with their types, keys, and foreign keys of one column and of several")
    func tables() throws {
        let (conninfo, _) = try database(
            """
            create schema shop;
            create table shop."Order Lines" (
                "Order No" int, "No" int, price numeric(10, 2), twice numeric generated always as (price * 2) stored,
                primary key ("Order No", "No"));
            create table notes (id uuid primary key, line_order int, line_no int, parent uuid references notes,
                body varchar(20), foreign key (line_order, line_no) references shop."Order Lines");
            create table keyless (a int);
            create table unique_only (a int not null unique, b int);
            create temporary table passing (id int);
            """)
        let found = try tables(conninfo)
        #expect(Set(found.keys) == ["shop.Order Lines", "public.notes", "public.keyless", "public.unique_only"])
        let lines = try #require(found["shop.Order Lines"])
        #expect(lines.key == ["Order No", "No"])
        #expect(lines.columns.map(\.type) == ["integer", "integer", "numeric(10,2)", "numeric"])
        let notes = try #require(found["public.notes"])
        #expect(notes.references.count == 2)
        #expect(notes.references.contains(.init(["parent"], to: QualifiedName("notes")!, ["id"])))
        #expect(
            notes.references.contains(
                .init(
                    ["line_order", "line_no"], to: QualifiedName(schema: "shop", name: "Order Lines"),
                    ["Order No", "No"])))
        #expect(notes.columns.last?.type == "character varying(20)")
        #expect(found["public.keyless"]?.key == [])
        #expect(found["public.unique_only"]?.key == ["a"])
        #expect(found.values.allSatisfy { $0.mayTrigger && $0.kind == .table })
    }

    @Test("partitions are one table, views know what they read, also through views")
    func partitionsAndViews() throws {
        let (conninfo, app) = try database(
            """
            create table events (id int, at date, primary key (id, at)) partition by range (at);
            create table events_1 partition of events for values from ('2026-01-01') to ('2026-02-01') partition by range (at);
            create table events_1a partition of events_1 for values from ('2026-01-01') to ('2026-01-15');
            create table users (id int primary key);
            create view recent as select e.id from events e join users u using (id);
            create view counted as select count(*) from recent;
            create materialized view kept as select * from users;
            create view above as select * from kept;
            """)
        try app.run("insert into events select i, '2026-01-02' from generate_series(1, 50) i; analyze")
        let found = try tables(conninfo)
        #expect(
            Set(found.keys) == [
                "public.events", "public.users", "public.recent", "public.counted", "public.kept", "public.above",
            ])
        #expect(found["public.events"]?.kind == .partitioned)
        #expect(found["public.events"]?.partitions == 2)
        #expect(found["public.events"]?.rows == 50)
        #expect(found["public.events"]?.key == ["id", "at"])
        let sources = ["public.events", "public.users"]
        #expect(found["public.recent"]?.sources.map(\.description) == sources)
        #expect(found["public.counted"]?.sources.map(\.description) == sources)
        #expect(found["public.kept"]?.kind == .materialized)
        #expect(found["public.above"]?.sources.map(\.description) == ["public.kept"])
    }

    @Test("writes are counted without a statement that lasts: one that says nothing is given up after half a minute")
    func longSample() throws {
        let (conninfo, _) = try database("create table t (id int primary key)")
        // Statistics are told when a session ends.
        try ScratchConnection(conninfo).run("insert into t values (1)")
        let impatient = conninfo + " options='-c statement_timeout=1500'"
        var told: [Duration] = []
        let described = try DatabaseInventory(conninfo: impatient).describe(sample: .seconds(2)) { told.append($0) }
        #expect(described.countedFor == 2)
        #expect(told == [.seconds(2)])
    }

    @Test("rates come from the statistics where they say since when, else from a sample")
    func rates() throws {
        let (conninfo, app) = try database("create table t (id int primary key); create table quiet (id int)")
        try app.run("insert into t select generate_series(1, 500)")
        // Statistics are told when a session has been idle for a while, or ends.
        try ScratchConnection(conninfo).run("update t set id = -id")
        let inventory = try DatabaseInventory(conninfo: conninfo)
        let described = try inventory.describe(sample: .milliseconds(50))
        // A scratch cluster has never reset its statistics.
        #expect(described.countedFor == 0.05)
        let table = try #require(described.tables.first { $0.name.name == "t" })
        #expect(table.writes >= 500)
        #expect(table.writesPerSecond != nil)
        #expect(described.tables.first?.name.name == "t")
        #expect(try inventory.describe(sample: .zero).countedFor == nil)
    }

    @Test("a user with no rights at all sees the catalogue, and is told that triggers are not its own")
    func leastPrivilege() throws {
        let cluster = try CaptureHarness.cluster.get()
        let (conninfo, app) = try database("create table secret (id int primary key, body text)")
        let name = try app.run("select current_database()")[0][0] ?? ""
        try app.run(
            """
            do $$ begin create role looker login; exception when duplicate_object then null; end $$;
            revoke all on secret from public
            """)
        let found = try tables(cluster.conninfo(database: name, user: "looker"))
        #expect(found["public.secret"]?.columns.map(\.name) == ["id", "body"])
        #expect(found["public.secret"]?.mayTrigger == false)
        #expect(try tables(conninfo)["public.secret"]?.mayTrigger == true)
    }

    @Test("an empty database has nothing, and no outbox no record")
    func empty() throws {
        let (conninfo, _) = try database("select")
        let inventory = try DatabaseInventory(conninfo: conninfo)
        let described = try inventory.describe()
        #expect(described.tables == [])
        #expect(described.omitted == 0)
        #expect(described.remarks == [])
        #expect(!described.place.contains("@") && described.place.contains("/"))
        #expect(try inventory.recordedChanges().isEmpty)
    }

    @Test("an outbox says when which table changed, and its own tables are not the application's")
    func outbox() throws {
        let (conninfo, app) = try database("create table t (id int primary key); create table u (id int primary key)")
        _ = try Installer(conninfo: conninfo, tables: [.named("t"), .named("u")]).install()
        try app.run("insert into t values (1), (2)")
        try app.run("delete from t where id = 1; insert into u values (7)")
        let inventory = try DatabaseInventory(conninfo: conninfo)
        let changes = try inventory.recordedChanges()
        #expect(changes.map(\.table.name).sorted() == ["t", "t", "t", "u"])
        let now = try Int64(app.run("select (extract(epoch from now()) * 1000)::int8")[0][0] ?? "") ?? 0
        #expect(changes.allSatisfy { abs($0.time - now) < 60_000 })
        #expect(Set(try tables(conninfo).keys) == ["public.t", "public.u"])
        let looker = try ScratchConnection(conninfo)
        try looker.run(
            "do $$ begin create role looker login; exception when duplicate_object then null; end $$")
        let name = try app.run("select current_database()")[0][0] ?? ""
        let other = try DatabaseInventory(
            conninfo: CaptureHarness.cluster.get().conninfo(database: name, user: "looker"))
        #expect(try other.recordedChanges().isEmpty)
    }

    @Test("a standby is described, and said to be one")
    func standby() throws {
        let primary = try ScratchPostgres(settings: ["wal_level = replica", "max_wal_senders = 4"])
        defer { primary.remove() }
        try ScratchConnection(primary.conninfo()).run("create table t (id int primary key)")
        let standby = try ScratchPostgres(standbyOf: primary)
        defer { standby.remove() }
        let described = try DatabaseInventory(conninfo: standby.conninfo()).describe(sample: .zero)
        #expect(described.tables.map(\.name.name) == ["t"])
        #expect(described.remarks.count == 1)
        #expect(described.remarks.first?.contains("is a standby. Connect to the primary") == true)
    }
}
