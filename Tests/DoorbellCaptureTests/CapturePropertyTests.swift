import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Foundation
import Synchronization
import Testing

/// Concurrent writers, terminated backends, immediate restarts of PostgreSQL and of the service: what was committed is in the
/// log once, in one order.
@Suite("Capture property") struct CapturePropertyTests {
    private static let seconds =
        ProcessInfo.processInfo.environment["DOORBELL_PROPERTY_SECONDS"]
        .flatMap { Double($0) } ?? 8
    private static let rows = 40
    private static let writers = 5

    private final class Counter: Sendable { let value = Atomic<Int>(0) }

    /// A writer: each committed write of a row carries the row's next version, so versions tell the commit order.
    private static func write(_ conninfo: String, until end: ContinuousClock.Instant) {
        while ContinuousClock.now < end {
            guard let app = try? ScratchConnection(conninfo) else {
                usleep(20_000)
                continue
            }
            while ContinuousClock.now < end {
                let ids = (0..<Int.random(in: 1...4)).map { _ in Int.random(in: 1...rows) }.sorted()
                var sql = "begin;"
                for id in Set(ids).sorted() { sql += "update t set n = n + 1 where id = \(id);" }
                switch Int.random(in: 0..<12) {
                case 0: sql += "rollback"
                case 1:
                    let id = Int.random(in: (ids.last ?? rows)...rows)
                    sql += "savepoint s; update t set n = n + 1000000 where id = \(id); rollback to s; commit"
                case 2: sql += "savepoint s; insert into log default values; release s; commit"
                case 3: sql += "select pg_sleep(\(Double.random(in: 0...0.3))); commit"
                case 4: sql += "insert into log select from generate_series(1, \(Int.random(in: 1...3000))); commit"
                default: sql += "commit"
                }
                do { try app.run(sql) } catch { break }
                if Int.random(in: 0..<20) == 0 { usleep(UInt32.random(in: 0...60_000)) }
            }
        }
    }

    @Test("every committed row is in the log exactly once, in one order", .timeLimit(.minutes(30)))
    func property() async throws {
        let cluster = try ScratchPostgres()
        defer { cluster.remove() }
        let conninfo = try cluster.makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run(
            """
            create table t (id int primary key, n bigint not null);
            create table log (id bigint generated always as identity primary key);
            insert into t select i, 0 from generate_series(1, \(Self.rows)) i
            """)
        _ = try Installer(conninfo: conninfo, tables: [.named("t"), .named("log")]).install()
        let end = ContinuousClock.now + .seconds(Self.seconds)
        // Threads: libpq blocks, and two blocked tasks are all the tasks that a small machine runs.
        let finished = Counter()
        for _ in 0..<Self.writers {
            Thread.detachNewThread {
                Self.write(conninfo, until: end)
                finished.value.add(1, ordering: .releasing)
            }
        }

        var services: [CaptureHarness] = [CaptureHarness(conninfo: conninfo)]
        var faults = 0
        while ContinuousClock.now < end - .seconds(1) {
            try await Task.sleep(for: .milliseconds(Int.random(in: 200...900)))
            let fault = Int.random(in: 0..<6)
            faults += fault < 4 ? 1 : 0
            switch fault {
            case 0: try cluster.restart(immediate: true)
            case 1, 2:
                _ = try? ScratchConnection(conninfo).run(
                    """
                    select pg_terminate_backend(pid) from pg_stat_activity
                    where application_name ~ '^doorbell' and random() < 0.7
                    """)
            case 3:
                try await services[services.count - 1].stop()
                services.append(CaptureHarness(conninfo: conninfo))
            default: break
            }
        }
        while finished.value.load(ordering: .acquiring) < Self.writers { try await Task.sleep(for: .milliseconds(10)) }
        let check = try ScratchConnection(conninfo)
        let marker = try check.run("insert into log default values returning id")[0][0] ?? ""
        services.append(CaptureHarness(conninfo: conninfo))
        for harness in services.suffix(2) {
            try await harness.sink.wait(for: "the last row", within: 120) {
                $0.changes.last { $0.relation.name.name == "log" }?.after?.text(of: "id") == marker
            }
            try await harness.stop()
        }
        let reference = try #require(services.last).sink.changes

        // Once each, in the order of positions, and every service saw a part of the same order.
        let positions = reference.map(\.position)
        #expect(zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 })
        let at = Dictionary(uniqueKeysWithValues: reference.map { ($0.position, CaptureHarness.text($0)) })
        for harness in services {
            let seen = harness.sink.changes
            #expect(zip(seen, seen.dropFirst()).allSatisfy { $0.position < $1.position })
            #expect(seen.allSatisfy { at[$0.position] == CaptureHarness.text($0) })
            if let first = seen.first, let last = seen.last {
                #expect(positions.count { $0 >= first.position && $0 <= last.position } == seen.count)
            }
            #expect(harness.sink.unreadable.isEmpty)
        }

        // Each row's versions are 1, 2, 3, … up to what the table says.
        var versions: [String: Int] = [:]
        for change in reference where change.relation.name.name == "t" {
            let id = (change.after?.text(of: "id") ?? nil) ?? ""
            let version = (change.after?.text(of: "n") ?? nil).flatMap { Int($0) }
            #expect(version == versions[id, default: 0] + 1)
            versions[id] = version
        }
        let rows = try check.run("select id, n from t order by id")
        for row in rows { #expect(versions[row[0] ?? "", default: 0] == row[1].flatMap { Int($0) }) }
        let logged = reference.filter { $0.relation.name.name == "log" }.compactMap { $0.after?.text(of: "id") ?? nil }
        #expect(Set(logged).count == logged.count)
        #expect(logged.count == (try check.run("select count(*) from log")[0][0].flatMap { Int($0) }))
        print("property: \(reference.count) changes, \(services.count) services, \(faults) faults, \(Self.seconds) s")
    }
}
