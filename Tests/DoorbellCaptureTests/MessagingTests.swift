import DoorbellCore
import DoorbellTesting
import Testing

@testable import DoorbellCapture

/// `doorbell.publish` and what it takes to call it, in a real database.
@Suite("Messaging") struct MessagingTests {
    private func inbox() throws -> [PublishedChannels] {
        [
            PublishedChannels(try ChannelTemplate("user:{user_id}:inbox"), feature: "inbox"),
            PublishedChannels(try ChannelTemplate("v1.0+x:{a}"), feature: "odd"),
        ]
    }

    private func installed(
        publishers: [String] = []
    ) throws -> (conninfo: String, app: ScratchConnection, installer: Installer) {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run("create table t (id int primary key)")
        let installer = Installer(
            conninfo: conninfo, tables: [.named("t")], channels: try inbox(), publishers: publishers)
        _ = try installer.install()
        return (conninfo, app, installer)
    }

    private func state(_ app: ScratchConnection, _ sql: String) -> String? {
        do {
            try app.run(sql)
            return nil
        } catch {
            return (error as? ScratchConnection.Failure)?.sqlState
        }
    }

    @Test("a message is in the log with its transaction, in the order of its writes, byte for byte") func transaction()
        async throws
    {
        let (conninfo, app, _) = try installed()
        let harness = CaptureHarness(conninfo: conninfo)
        try await harness.untilLive()
        try app.run("begin; insert into t values (1); select doorbell.publish('user:7:inbox', '{}'); rollback")
        try app.run(
            """
            begin; insert into t values (2);
            select doorbell.publish('user:7:inbox', '{ "a":1.0, "u":"\\u0000" }', 'Ada "x"', 's1', '8');
            insert into t values (3);
            select doorbell.publish('user:8:inbox', 'null', id => '"x"'); commit
            """)
        try await harness.sink.wait(for: "messages") { $0.messages.count == 2 && $0.changes.count == 2 }
        let (changes, messages) = (harness.sink.changes, harness.sink.messages)
        #expect(String(decoding: messages[0].message.data, as: UTF8.self) == #"{ "a":1.0, "u":"\u0000" }"#)
        #expect(messages[0].channel == "user:7:inbox")
        #expect(messages[0].message.from == #"Ada "x""#)
        #expect(messages[0].message.session == "s1")
        #expect(messages[0].message.id == "8")
        #expect(messages[1].message == DirectMessage(data: Array("null".utf8), id: #""x""#))
        #expect(changes[0].position < messages[0].position && messages[0].position < changes[1].position)
        #expect(changes[1].position < messages[1].position)
        #expect(Set(messages.map(\.position.tick)) == [changes[0].position.tick])
        #expect(harness.sink.unreadable.isEmpty)
        try await harness.stop()
    }

    @Test("a sleeping service is woken by a message") func bell() async throws {
        let (conninfo, app, _) = try installed()
        let harness = CaptureHarness(conninfo: conninfo)
        try await harness.untilLive()
        let held = """
            select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock'
                and database = (select oid from pg_database where datname = current_database())
                and objid = \(OutboxSchema.Lock.bell & 0xFFFF_FFFF)
            """
        try await harness.sink.wait(for: "sleep") { _ in try !app.run(held).isEmpty }
        try app.run("select doorbell.publish('user:7:inbox', '1')")
        try await harness.sink.wait(for: "the message") { $0.messages.count == 1 }
        try await harness.stop()
    }

    @Test(
        "what nobody could get, or what is too large, is refused to the caller",
        arguments: [
            ("'user:7:orders', '1'", "22023"), ("'user::inbox', '1'", "22023"), ("'user:7:8:inbox', '1'", "22023"),
            ("'v1x0+x:a', '1'", "22023"), ("'v1.00x:a', '1'", "22023"), (#"E'user:7\n:inbox', '1'"#, "22023"),
            ("'user:' || repeat('7', 300) || ':inbox', '1'", "22023"), ("null, '1'", "22004"),
            ("'user:7:inbox', null", "22004"), ("'user:7:inbox', '{'", "22P02"), ("'user:7:inbox', ''", "22P02"),
            ("'user:7:inbox', to_json(repeat('x', 65535))", "54000"),
            ("'user:7:inbox', '1', repeat('x', 1025)", "22023"), ("'user:7:inbox', '1', id => '{}'", "22023"),
            ("'user:7:inbox', '1', id => 'null'", "22023"),
        ]) func refused(_ arguments: String, _ code: String) throws
    {
        let (_, app, _) = try installed()
        #expect(state(app, "select doorbell.publish(\(arguments))") == code)
        #expect(try app.run("select from doorbell.outbox").isEmpty)
        for fine in ["'user:7:inbox', '1'", "'user:a%20b:inbox', to_json(repeat('x', 65534))", "'v1.0+x:a', '[]'"] {
            #expect(state(app, "select doorbell.publish(\(fine))") == nil)
        }
    }

    @Test("only the roles that are named may publish, and they may do nothing else") func rights() throws {
        let cluster = try CaptureHarness.cluster.get()
        let admin = try ScratchConnection(cluster.conninfo())
        for role in ["sender", "stranger"] { try admin.run("create role \(role) login") }
        let (conninfo, _, _) = try installed(publishers: ["sender"])
        let sender = try ScratchConnection(conninfo.replacing("user=postgres", with: "user=sender"))
        let stranger = try ScratchConnection(conninfo.replacing("user=postgres", with: "user=stranger"))
        let publish = "select doorbell.publish('user:7:inbox', '1')"
        #expect(state(sender, publish) == nil)
        #expect(state(stranger, publish) == "42501")
        for other in [
            "select from doorbell.outbox", "insert into doorbell.cursors values ('', '', '', 1, 1, 1)",
            "select from doorbell.channels", "select nextval('doorbell.seq')", "select doorbell.capture_row()",
        ] { #expect(state(sender, other) == "42501", "\(other)") }
        // A hostile search_path changes nothing.
        try sender.run("create temp table outbox (a int); set search_path = pg_temp, public, doorbell")
        #expect(state(sender, publish) == nil)

        let closed = Installer(
            conninfo: conninfo, tables: [.named("t")], channels: try inbox(), publishers: ["stranger"])
        _ = try closed.install()
        #expect(state(sender, publish) == "42501")
        #expect(state(stranger, publish) == nil)
        _ = try closed.uninstall()
        let left = "select from pg_shdepend where refobjid = 'stranger'::regrole"
        #expect(try admin.run(left).isEmpty)
        let error = #expect(throws: DoorbellError.self) {
            try Installer(conninfo: conninfo, tables: [.named("t")], publishers: ["nobody here"]).plan()
        }
        #expect(error?.message.contains("no role nobody here") == true)
    }

    @Test("channels follow the configuration at the next install, and a check says when they do not") func channels()
        throws
    {
        let (conninfo, app, _) = try installed()
        let fewer = [PublishedChannels(try ChannelTemplate("room:{id}"), feature: "rooms")]
        let table = [(name: try #require(QualifiedName("t")), columns: ["id"])]
        #expect(try Preflight(conninfo: conninfo).check(tables: table, channels: inbox()).isEmpty)
        #expect(try Preflight(conninfo: conninfo).check(tables: table, channels: fewer).count == 1)
        _ = try Installer(conninfo: conninfo, tables: [.named("t")], channels: fewer).install()
        #expect(try Preflight(conninfo: conninfo).check(tables: table, channels: fewer).isEmpty)
        #expect(state(app, "select doorbell.publish('user:7:inbox', '1')") == "22023")
        #expect(state(app, "select doorbell.publish('room:1', '1')") == nil)
        _ = try Installer(conninfo: conninfo, tables: [.named("t")]).install()
        #expect(state(app, "select doorbell.publish('room:1', '1')") == "22023")
    }

    @Test("an older installation is brought up to date by install, keeps its log, and is refused until then")
    func upgrade()
        async throws
    {
        let (conninfo, app, installer) = try installed()
        try app.run(
            """
            drop function doorbell.\(MessagingSchema.signature); drop table doorbell.channels, doorbell.cursors;
            drop table doorbell.stages, doorbell.audit, doorbell.ledger, doorbell.ledger_usage; drop function doorbell.keep_audit();
            update doorbell.meta set version = 1; insert into t values (1)
            """)
        let epoch = try app.run("select epoch from doorbell.meta")
        let error = #expect(throws: DoorbellError.self) {
            try Preflight(conninfo: conninfo).check(tables: [(QualifiedName("t")!, [])])
        }
        #expect(error?.hint?.hasPrefix("Run 'doorbell install' to bring it up to date") == true)
        let plan = try installer.plan()
        #expect(plan.contains { $0.contains("create table doorbell.cursors") })
        _ = try installer.install()
        #expect(try Preflight(conninfo: conninfo).check(tables: [(QualifiedName("t")!, [])]).isEmpty)
        #expect(try app.run("select epoch from doorbell.meta") == epoch)
        #expect(state(app, "select doorbell.publish('user:7:inbox', '1')") == nil)
        let open = """
            select from pg_proc p, lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
            where pronamespace = 'doorbell'::regnamespace and a.grantee = 0
            """
        #expect(try app.run(open).isEmpty, "no function is open to everybody")
        let harness = CaptureHarness(conninfo: conninfo)
        try await harness.sink.wait(for: "both") { $0.changes.count == 1 && $0.messages.count == 1 }
        try await harness.stop()
        try app.run("update doorbell.meta set version = 99")
        let newer = #expect(throws: DoorbellError.self) { try installer.install() }
        #expect(newer?.hint?.contains("newer") == true)
    }
}
