import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Testing

@Suite("Preflight") struct PreflightTests {
    private func error(_ conninfo: String, _ table: String = "t", _ columns: [String] = []) -> DoorbellError? {
        do {
            _ = try Preflight(conninfo: conninfo).check(tables: [(QualifiedName(table)!, columns)])
            return nil
        } catch {
            return error
        }
    }

    @Test("an unreachable database") func unreachable() {
        let error = error("host=127.0.0.1 port=1 dbname=x")
        #expect(error?.code == .database)
        #expect(error?.message.contains("cannot reach the database") == true)
    }

    @Test("a text that is no connection string, without echoing it") func syntax() {
        let error = error("postgresql://u:secret@[bad/x")
        #expect(error?.description.contains("secret") == false)
        #expect(error?.message.contains("connection string") == true)
    }

    @Test("a wrong password") func password() throws {
        let cluster = try ScratchPostgres()
        defer { cluster.remove() }
        let admin = try ScratchConnection(cluster.conninfo())
        try admin.run("set password_encryption = 'scram-sha-256'; alter user postgres password 'right'")
        try admin.run(
            """
            create table lines (l text); insert into lines values ('host all all 127.0.0.1/32 scram-sha-256');
            do $$ begin execute format('copy lines to %L', current_setting('hba_file')); end $$; select pg_reload_conf()
            """)
        let deadline = ContinuousClock.now + .seconds(10)
        var found: DoorbellError?
        // The reload takes effect when the server has got its signal.
        repeat {
            found = error(cluster.conninfo() + " password=wrong")
        } while found?.code != .permission
            && ContinuousClock.now < deadline
        #expect(found?.code == .permission)
        #expect(found?.description.contains("wrong") == false)
        try ScratchConnection(cluster.conninfo() + " password=right").run("select 1")
    }

    @Test(
        "how rows write whole numbers and UUIDs, where all tables of a feature agree, and domains as what they are made of"
    )
    func spellings() throws {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        try ScratchConnection(conninfo).run(
            """
            create schema "o'dd"; create domain account as bigint;
            create table a (id int, owner uuid, name text); create table "o'dd"."b\"\"" (id account, owner uuid, gone int);
            create table c (id numeric); alter table "o'dd"."b\"\"" drop gone; create table "o'dd".a (id text, owner text)
            """)
        func feature(_ name: String, _ tables: [(QualifiedName, String)]) throws -> Feature {
            Feature(
                name: name, poll: try PollPattern("GET /\(name)/{id}"),
                tables: try tables.map { .init(table: $0.0, channel: .template(try ChannelTemplate($0.1))) })
        }
        let (a, odd, c) = (QualifiedName("a")!, QualifiedName(schema: "o'dd", name: "b\""), QualifiedName("c")!)
        let features = [
            try feature("same", [(a, "x:{id}:{owner}"), (odd, "x:{id}:{owner}")]),
            try feature("other", [(a, "y:{id}:{owner}:{name}"), (c, "y:{id}")]),
            try feature("none", [(c, "z:{id}:{gone}"), (.init("nowhere")!, "z:{id}")]),
        ]
        let found = try Preflight(conninfo: conninfo).spellings(of: features)
        #expect(found == ["same": ["id": .integer, "owner": .uuid], "other": ["owner": .uuid]])
        #expect(try Preflight(conninfo: conninfo).spellings(of: []) == [:])
    }

    @Test("not installed, then a missing table, column, trigger and right") func installed() throws {
        let cluster = try CaptureHarness.cluster.get()
        let conninfo = try cluster.makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run("create table t (id int primary key); create table u (id int)")
        #expect(error(conninfo)?.hint == "Run 'doorbell install'.")
        _ = try Installer(conninfo: conninfo, tables: [.named("t")]).install()
        #expect(error(conninfo) == nil)
        #expect(error(conninfo, "T")?.hint?.contains("public.t") == true)
        #expect(error(conninfo, "t", ["nope"])?.message.contains("no column 'nope'") == true)
        #expect(error(conninfo, "u")?.message.contains("not captured") == true)
        let all = #expect(throws: DoorbellError.self) {
            try Preflight(conninfo: conninfo).check(tables: [
                (.init("nope")!, []), (.init("t")!, ["a"]), (.init("none")!, []),
            ])
        }
        #expect(all?.message.contains("no table public.nope") == true && all?.message.contains("no column 'a'") == true)
        #expect(all?.message.contains("no table public.none") == true, "every mistake at once: \(all?.message ?? "")")
        try app.run("alter table t disable trigger \"!doorbell_row\"")
        #expect(error(conninfo)?.message.contains("disabled") == true)
        let name = try app.run("select current_database()")[0][0] ?? ""
        try app.run("do $$ begin create role nobody_special login; exception when duplicate_object then end $$")
        let stranger = error(cluster.conninfo(database: name, user: "nobody_special"))
        #expect(stranger?.code == .permission)
        #expect(stranger?.hint?.contains("GRANT") == true)
        try app.run("update doorbell.meta set version = 99")
        #expect(error(conninfo)?.message.contains("version 99") == true)
    }
}
