import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Testing

/// What somebody does to the database, or to Doorbell's objects in it, while a service runs.
@Suite("Changed underneath") struct ChangedUnderneathTests {
    private func opened(_ sink: RecordingSink) -> [Position] {
        sink.events.compactMap { if case .opened(let floor, _) = $0 { floor } else { nil } }
    }

    @Test("a disabled trigger takes capture down; install enables it and begins a new epoch") func disabled()
        async throws
    {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int primary key); create table u (id int primary key)",
            tables: [.named("t"), .named("u")]
        ) {
            $0.tables = [QualifiedName("t")!, QualifiedName("u")!]
            // Looks every second.
            $0.retention = .seconds(20)
        }
        try app.run("alter table t disable trigger \"!doorbell_row\"")
        try await harness.sink.wait(for: "capture to be down") { !$0.status.isLive }
        #expect(harness.sink.status == .down(reason: "table public.t is not captured: run 'doorbell install'"))
        let tables = [CapturedTable.named("t"), .named("u")]
        _ = try Installer(conninfo: harness.conninfo, tables: tables).install()
        try await harness.untilLive()
        let floors = opened(harness.sink)
        #expect(try #require(floors.last).epoch > floors[0].epoch)
        try app.run("insert into t values (1)")
        #expect(try await harness.changes(1) == [#"insert public.t {"id":1}"#])
        // A table that is dropped is missed too.
        try app.run("drop table u")
        try await harness.sink.wait(for: "capture to be down") { !$0.status.isLive }
        try await harness.stop()
    }

    @Test("a trigger that is disabled on one partition takes capture down; install enables it and begins a new epoch")
    func disabledPartition() async throws {
        let (harness, app) = try await CaptureHarness.live(
            """
            create table p (id int primary key) partition by range (id);
            create table p1 partition of p for values from (0) to (10);
            create table p2 partition of p for values from (10) to (30) partition by range (id);
            create table p3 partition of p2 for values from (10) to (20)
            """, tables: [.named("p")]
        ) {
            $0.tables = [QualifiedName("p")!]
            // Looks every second.
            $0.retention = .seconds(20)
        }
        try app.run("alter table p3 disable trigger \"!doorbell_row\"")
        try await harness.sink.wait(for: "capture to be down") { !$0.status.isLive }
        #expect(harness.sink.status == .down(reason: "table public.p is not captured: run 'doorbell install'"))
        let installer = Installer(conninfo: harness.conninfo, tables: [.named("p")])
        let plan = try installer.plan().joined()
        #expect(plan.contains("alter table \"public\".\"p3\" enable always trigger \"!doorbell_row\""))
        #expect(!plan.contains("create trigger"))
        _ = try installer.install()
        try await harness.untilLive()
        let floors = opened(harness.sink)
        #expect(try #require(floors.last).epoch > floors[0].epoch)
        try app.run("insert into p values (15)")
        #expect(try await harness.changes(1) == [#"insert public.p {"id":15}"#])
        #expect(try !installer.plan().joined().contains("enable always"))
        try await harness.stop()
    }

    @Test("uninstall takes capture down; after another install it goes on in a new epoch") func uninstall() async throws
    {
        let (harness, app) = try await CaptureHarness.live("create table t (id int)", tables: [.named("t")])
        let installer = Installer(conninfo: harness.conninfo, tables: [.named("t")])
        try app.run("insert into t values (1)")
        _ = try await harness.changes(1)
        _ = try installer.uninstall()
        _ = try installer.install()
        try app.run("insert into t values (2)")
        _ = try await harness.changes(2)
        #expect(harness.sink.changes[1].position.epoch > harness.sink.changes[0].position.epoch)
        try await harness.untilLive()
        _ = try installer.uninstall()
        try app.run("insert into t values (3)")
        try await harness.sink.wait(for: "capture to be down") {
            $0.status == .down(reason: "Doorbell is not installed: run 'doorbell install'")
        }
        try await harness.stop()
    }

    @Test("a log that has gone back behind what was delivered goes on in a new epoch") func goneBack() async throws {
        let (harness, app) = try await CaptureHarness.live("create table t (id int)", tables: [.named("t")])
        for id in 1...3 {
            try app.run("insert into t values (\(id))")
            _ = try await harness.changes(id)
        }
        try app.run(
            """
            begin; lock doorbell.ticks; truncate doorbell.outbox; delete from doorbell.ticks where tick > 1;
            select pg_terminate_backend(pid, 10000) from pg_stat_activity
            where application_name = 'doorbell' and datname = current_database(); commit
            """)
        try app.run("insert into t values (4)")
        _ = try await harness.changes(4)
        #expect(harness.sink.changes[3].position.epoch > harness.sink.changes[2].position.epoch)
        try await harness.stop()
    }

    @Test("in a restored copy the tables are found again by name") func restored() async throws {
        let (first, app) = try await CaptureHarness.live("create table t (id int)", tables: [.named("t")])
        try await first.stop()
        try app.run("update doorbell.meta set system_identifier = 1; update doorbell.tables set relid = 1")
        let harness = CaptureHarness(conninfo: first.conninfo) { $0.tables = [QualifiedName("t")!] }
        try await harness.untilLive()
        try app.run("insert into t values (1)")
        #expect(try await harness.changes(1) == [#"insert public.t {"id":1}"#])
        try await harness.stop()
    }

    @Test("small ticks of large rows are read again at the same positions, without holding them all") func largeRows()
        async throws
    {
        let (harness, app) = try await CaptureHarness.live(
            "create table t (id int primary key, v text)", tables: [.named("t")])
        let long = try ScratchConnection(harness.conninfo)
        for id in 1...60 {
            // Sequence order and commit order differ.
            if id % 7 == 1 { try long.run("begin; insert into t values (-\(id), repeat('y', 3000))") }
            try app.run("insert into t values (\(id), repeat('x', \(id > 50 ? 10 : 9000)))")
            if id % 7 == 0 { try long.run("commit") }
            _ = try await harness.changes(id)
        }
        try long.run("commit")
        _ = try await harness.changes(69)
        try await harness.stop()
        // At most eight times so many bytes are held.
        let again = CaptureHarness(conninfo: harness.conninfo) { $0.batchBytes = 2000 }
        _ = try await again.changes(69)
        #expect(again.sink.changes.map(\.position) == harness.sink.changes.map(\.position))
        #expect(again.sink.changes.map(CaptureHarness.text) == harness.sink.changes.map(CaptureHarness.text))
        try await again.stop()
    }
}
