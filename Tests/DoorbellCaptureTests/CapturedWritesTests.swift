import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Testing

/// Every way of writing a row, and every kind of row.
@Suite("Captured writes") struct CapturedWritesTests {
    @Test("a row larger than 8,000 bytes") func large() async throws {
        let (harness, app) = try await CaptureHarness.live("create table t (v text)", tables: [.named("t")])
        try app.run("insert into t values (repeat('x', 3000000))")
        let changes = try await harness.changes(1)
        #expect(changes[0].utf8.count > 3_000_000)
    }

    @Test("a row too large for JSON is committed and reported, not refused") func tooLarge() async throws {
        let (harness, app) = try await CaptureHarness.live("create table t (v bytea)", tables: [.named("t")])
        try app.run("insert into t values (repeat('x', 20000000)::bytea)")
        try app.run("insert into t values ('x')")
        _ = try await harness.changes(2)
        #expect(harness.sink.unreadable.map(\.reason) == ["the row is larger than 16777216 bytes"])
        #expect(harness.sink.unreadable.first?.table == QualifiedName("t"))
    }

    @Test("COPY, MERGE, ON CONFLICT and multi-row statements") func statements() async throws {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int primary key, v int)", tables: [.named("t")])
        try app.copy("copy t from stdin", "1\t1\n2\t2\n")
        try app.run("insert into t values (2, 20), (3, 3) on conflict (id) do update set v = excluded.v")
        try app.run("insert into t values (3, 9) on conflict do nothing")
        let version = try app.run("show server_version_num")[0][0].flatMap { Int($0) } ?? 0
        if version >= 150_000 {
            try app.run(
                """
                merge into t using (values (1), (4)) s (id) on t.id = s.id
                when matched then delete when not matched then insert values (s.id, 4)
                """)
        } else {
            try app.run("delete from t where id = 1; insert into t values (4, 4)")
        }
        #expect(
            Set(try await harness.changes(6)) == [
                #"insert public.t {"id":1,"v":1}"#, #"insert public.t {"id":2,"v":2}"#,
                #"update public.t {"id":2,"v":2} {"id":2,"v":20}"#, #"insert public.t {"id":3,"v":3}"#,
                #"delete public.t {"id":1,"v":1}"#, #"insert public.t {"id":4,"v":4}"#,
            ])
    }

    @Test("foreign-key cascades") func cascades() async throws {
        let (harness, app) = try await CaptureHarness.live(
            """
            create table a (id int primary key);
            create table b (id int primary key, a int references a on delete cascade on update cascade)
            """, tables: [.named("a"), .named("b")])
        try app.run("insert into a values (1); insert into b values (7, 1)")
        try app.run("update a set id = 2")
        try app.run("delete from a")
        #expect(
            try await harness.changes(7) == [
                #"insert public.a {"id":1}"#, #"insert public.b {"id":7,"a":1}"#, #"delete public.a {"id":1}"#,
                #"insert public.a {"id":2}"#, #"update public.b {"id":7,"a":1} {"id":7,"a":2}"#,
                #"delete public.a {"id":2}"#, #"delete public.b {"id":7,"a":2}"#,
            ])
        // The two halves of the changed key have positions of their own.
        let positions = harness.sink.changes.map(\.position)
        #expect(positions == positions.sorted() && Set(positions).count == positions.count)
    }

    @Test("partitions, rows that move between them, new ones, and TRUNCATE of one") func partitions() async throws {
        let (harness, app) = try await CaptureHarness.live(
            """
            create table p (id int primary key, v text) partition by range (id);
            create table p1 partition of p for values from (0) to (10);
            create table p2 (v text, id int not null);
            alter table p attach partition p2 for values from (10) to (20)
            """, tables: [.named("p")])
        try app.run("insert into p values (1, 'a'), (11, 'b')")
        try app.run("update p set id = 12 where id = 1")
        try app.run("create table p3 partition of p for values from (20) to (30); insert into p values (21, 'c')")
        try app.run("truncate p2")
        #expect(
            try await harness.changes(6) == [
                #"insert public.p {"id":1,"v":"a"}"#, #"insert public.p {"v":"b","id":11}"#,
                #"delete public.p {"id":1,"v":"a"}"#, #"insert public.p {"v":"a","id":12}"#,
                #"insert public.p {"id":21,"v":"c"}"#, "truncate public.p",
            ])
        // The new partition has the row trigger by itself, but not the one for TRUNCATE: reported, and install adds it.
        let tables = [(name: QualifiedName("p")!, columns: ["id"])]
        #expect(try Preflight(conninfo: harness.conninfo).check(tables: tables).contains { $0.contains("p3") })
        _ = try Installer(conninfo: harness.conninfo, tables: [.named("p")]).install()
        #expect(try Preflight(conninfo: harness.conninfo).check(tables: tables).isEmpty)
    }

    @Test("inherited tables, tables without a key, TRUNCATE") func keyless() async throws {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (v int); create table child (w int) inherits (t)", tables: [.named("t")])
        try app.run("insert into t values (1); insert into child values (2, 3); update t set v = 5 where v = 1")
        try app.run("truncate only t")
        #expect(
            try await harness.changes(4) == [
                #"insert public.t {"v":1}"#, #"insert public.t {"v":2,"w":3}"#,
                #"update public.t {"v":1} {"v":5}"#, "truncate public.t",
            ])
        #expect(harness.sink.changes[0].relation.key.isEmpty)
    }

    @Test("columns that are added, dropped and renamed, and a table that is dropped") func ddl() async throws {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int primary key, v int); create table u (id int primary key)",
            tables: [.named("t"), .named("u")])
        try app.run("insert into t values (1, 1)")
        try app.run("alter table t add b bytea default '\\x00'; insert into t values (2, 2)")
        try app.run("alter table t rename v to w; insert into t values (3, 3)")
        try app.run("alter table t drop b; insert into t values (4, 4)")
        #expect(
            try await harness.changes(4) == [
                #"insert public.t {"id":1,"v":1}"#, #"insert public.t {"id":2,"v":2,"b":"\\x00"}"#,
                #"insert public.t {"id":3,"w":3,"b":"\\x00"}"#, #"insert public.t {"id":4,"w":4}"#,
            ])
        try app.run("begin; insert into u values (1); drop table u; commit; insert into t values (5, 5)")
        _ = try await harness.changes(6)
        #expect(harness.sink.changes.last.map(CaptureHarness.text) == #"insert public.t {"id":5,"w":5}"#)
        #expect(harness.sink.status.isLive)
    }

    @Test("what is rolled back, to a savepoint or whole, is not delivered") func rollback() async throws {
        let (harness, app) = try await CaptureHarness.live("create table t (id int)", tables: [.named("t")])
        try app.run("begin; insert into t values (1); rollback")
        try app.run(
            """
            begin; insert into t values (2); savepoint a; insert into t values (3); rollback to a;
            savepoint b; insert into t values (4); release b; commit
            """)
        #expect(try await harness.changes(2) == [#"insert public.t {"id":2}"#, #"insert public.t {"id":4}"#])
    }

    @Test("a long transaction holds nobody back, and comes at its commit") func longTransaction() async throws {
        let (harness, app) = try await CaptureHarness.live("create table t (id int)", tables: [.named("t")])
        let long = try ScratchConnection(harness.conninfo)
        try long.run("begin; insert into t values (1)")
        try app.run("insert into t values (2)")
        #expect(try await harness.changes(1) == [#"insert public.t {"id":2}"#])
        try long.run("commit")
        #expect(try await harness.changes(2) == [#"insert public.t {"id":2}"#, #"insert public.t {"id":1}"#])
    }

    @Test("writers need no rights, and a hostile search_path changes nothing") func hostile() async throws {
        let (harness, app) = try await CaptureHarness.live(
            """
            create table t (id int primary key, v text);
            create schema evil;
            create function evil.fail(a int8, b int8) returns int8 language plpgsql as 'begin raise ''got in''; end';
            create function evil.failb(a int8, b int8) returns bool language plpgsql as 'begin raise ''got in''; end';
            create function evil.failt(a text, b text) returns bool language plpgsql as 'begin raise ''got in''; end';
            create operator evil.>> (function = evil.fail, leftarg = int8, rightarg = int8);
            create operator evil.& (function = evil.fail, leftarg = int8, rightarg = int8);
            create operator evil.= (function = evil.failb, leftarg = int8, rightarg = int8);
            create operator evil.< (function = evil.failb, leftarg = int8, rightarg = int8);
            create operator evil.= (function = evil.failt, leftarg = text, rightarg = text);
            create function evil.row_to_json(record) returns json language plpgsql as 'begin raise ''got in''; end';
            create function evil.nextval(regclass) returns int8 language plpgsql as 'begin raise ''got in''; end';
            create function evil.pg_notify(text, text) returns void language plpgsql as 'begin raise ''got in''; end';
            create type evil.int8 as enum ('a'); create type evil.text as enum ('a'); create domain evil.int4 as bool;
            create table evil.outbox_0 (x int)
            """, tables: [.named("t")])
        try app.run(
            """
            do $$ begin create role writer; exception when duplicate_object then end $$;
            grant insert, select, update, delete on t to writer; grant usage on schema evil to writer;
            revoke all on schema doorbell from public; set role writer;
            set search_path = evil, pg_catalog, public, doorbell
            """)
        try app.run("insert into public.t values (1, 'x'); update public.t set v = 'y'; delete from public.t")
        #expect(try await harness.changes(3).count == 3)
        #expect(throws: ScratchConnection.Failure.self) { try app.run("select doorbell.capture_row()") }
        #expect(throws: ScratchConnection.Failure.self) { try app.run("select * from doorbell.outbox") }
    }

    @Test("rows written as a replica are captured") func replica() async throws {
        let (harness, app) = try await CaptureHarness.live("create table t (id int)", tables: [.named("t")])
        try app.run("set session_replication_role = replica; insert into t values (1)")
        #expect(try await harness.changes(1).count == 1)
    }

    @Test("columns and tables with any name, in both modes", arguments: CaptureMode.allCases)
    func names(_ mode: CaptureMode) async throws {
        let columns = [
            "s", "slot", "before", "after", "old", "new", "tg_op", "tg_argv", "i", "r", "n", "o", "t", "seq", "a.\"B'",
        ]
        let quoted = columns.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }
        let table = "\"Odd.S\"\"'\".\"T.\"\"x' $doorbell$\""
        let name = QualifiedName(schema: "Odd.S\"'", name: "T.\"x' $doorbell$")
        let (harness, app) = try await CaptureHarness.live(
            """
            create schema "Odd.S""'";
            create table \(table) (id int primary key, \(quoted.map { "\($0) int default 1" }.joined(separator: ", ")),
                twice int generated always as (id * 2) stored)
            """, tables: [CapturedTable(name, mode: mode)]
        ) { $0.tables = [name] }
        try app.run("insert into \(table) values (1)")
        try app.run("update \(table) set tg_op = 2")
        try app.run("delete from \(table)")
        _ = try await harness.changes(3)
        #expect(harness.sink.changes.map(\.operation) == [.insert, .update, .delete])
        #expect(harness.sink.changes.allSatisfy { $0.relation.name == name })
        let after = try #require(harness.sink.changes[1].after)
        #expect(after.columns.map(\.name) == ["id"] + columns + ["twice"])
        #expect(after.text(of: "tg_op") == "2" && after.text(of: "twice") == "2")
        try await harness.stop()
    }

    @Test("statement mode: a bulk update after one of a single row takes no quadratic time") func statementPlan()
        async throws
    {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int primary key, n int)", tables: [.named("t", mode: .statement)])
        try app.run("insert into t select i, 0 from generate_series(1, 30000) i")
        for _ in 1...8 { try app.run("update t set n = 1 where id = 1") }
        try app.run("set statement_timeout = '30s'; update t set n = n + 1")
        _ = try await harness.changes(60_008)
        let updates = Array(harness.sink.changes.suffix(30_000))
        for index in stride(from: 0, to: updates.count, by: 500) {
            #expect(updates[index].before?.text(of: "id") == updates[index].after?.text(of: "id"))
        }
        try await harness.stop()
    }

    @Test("text that is not UTF-8, where nobody checks it, costs its own row only") func encoding() async throws {
        let cluster = try CaptureHarness.cluster.get()
        try ScratchConnection(cluster.conninfo()).run("create database raw template template0 encoding 'SQL_ASCII'")
        let conninfo = cluster.conninfo(database: "raw")
        let app = try ScratchConnection(conninfo)
        try app.run("create table t (id int primary key, v text)")
        _ = try Installer(conninfo: conninfo, tables: [.named("t")]).install()
        let harness = CaptureHarness(conninfo: conninfo)
        try await harness.untilLive()
        try app.run("insert into t values (1, E'\\xff'); insert into t values (2, 'é')")
        _ = try await harness.changes(2)
        #expect(harness.sink.unreadable.count == 1)
        #expect(harness.sink.changes.map(CaptureHarness.text) == [#"insert public.t {"id":2,"v":"é"}"#])
        try await harness.stop()
    }

    @Test("statement mode: the same changes from transition tables") func statementMode() async throws {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int primary key, t int, n int)", tables: [.named("t", mode: .statement)])
        try app.run("insert into t select i, i, 0 from generate_series(1, 3) i")
        try app.run("update t set n = id * 10")
        try app.run(
            "delete from t where id = 2; update t set id = 9 where id = 3; delete from t where false; truncate t")
        #expect(
            try await harness.changes(10).suffix(4) == [
                #"delete public.t {"id":2,"t":2,"n":20}"#, #"delete public.t {"id":3,"t":3,"n":30}"#,
                #"insert public.t {"id":9,"t":3,"n":30}"#, "truncate public.t",
            ])
        #expect(
            harness.sink.changes[3...5].map(CaptureHarness.text) == [
                #"update public.t {"id":1,"t":1,"n":0} {"id":1,"t":1,"n":10}"#,
                #"update public.t {"id":2,"t":2,"n":0} {"id":2,"t":2,"n":20}"#,
                #"update public.t {"id":3,"t":3,"n":0} {"id":3,"t":3,"n":30}"#,
            ])
    }
}
