import DoorbellCore
import DoorbellTesting
import Foundation
import Logging
import Synchronization
import Testing

@testable import DoorbellCapture

/// The bell on a real server. The safety timer is set to half a minute, so that a change whose wake-up was lost arrives when
/// the test has long given up: no clock decides, however slow the machine.
@Suite("Bell fuzz") struct BellFuzzTests {
    private static let rounds = 120
    private static let writers = 3

    private final class Shared: Sendable {
        let finished = Atomic<Int>(0)
        let failed = Locked<String?>(nil)
    }

    /// One transaction that writes one row that stays.
    private static func write(_ connection: ScratchConnection) throws {
        // The service falls asleep some 20 ms after the last row: hit the moments around that.
        usleep(UInt32.random(in: 0...35_000))
        let nap = "select pg_sleep(\(Double.random(in: 0...0.03)));"
        let insert = "insert into t default values;"
        switch Int.random(in: 0..<6) {
        case 0: try connection.run("begin; \(insert) \(nap) commit")
        case 1: try connection.run("begin; savepoint a; \(insert) rollback to a; \(nap) \(insert) commit")
        case 2: try connection.run("begin; savepoint a; \(insert) release a; \(nap) commit")
        case 3: try connection.run("begin; \(insert) \(insert) \(nap) rollback; begin; \(insert) commit")
        case 4:
            try connection.run(
                "do $$ begin begin insert into t default values; raise exception 'x'; exception when others then end;"
                    + " perform pg_sleep(random() * 0.02); insert into t default values; end $$")
        default: try connection.run(insert)
        }
    }

    @Test("no wake-up is lost, whenever a writer commits", .timeLimit(.minutes(5))) func fuzz() async throws {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run("create table t (id bigint generated always as identity)")
        _ = try Installer(conninfo: conninfo, tables: [.named("t")]).install()
        let sink = RecordingSink()
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var timing = CaptureStateMachine.Timing()
        timing.safetyTimer = .seconds(30)
        timing.probeInterval = .seconds(3600)
        let service = CaptureService(
            configuration: CaptureConfiguration(conninfo: conninfo), sink: sink, logger: logger, timing: timing)
        let running = Task { try await service.run() }
        defer { running.cancel() }
        try await sink.wait(for: "live capture") { $0.status.isLive }
        for round in 1...Self.rounds {
            let shared = Shared()
            // Threads: libpq blocks, and two blocked tasks are all the tasks that a small machine runs.
            for _ in 0..<Self.writers {
                Thread.detachNewThread {
                    do {
                        try Self.write(try ScratchConnection(conninfo))
                    } catch {
                        shared.failed.withLock { $0 = "\(error)" }
                    }
                    shared.finished.add(1, ordering: .releasing)
                }
            }
            if round % 20 == 0 {
                try app.run(
                    """
                    select pg_terminate_backend(pid) from pg_stat_activity
                    where application_name = 'doorbell' and datname = current_database()
                    """)
            }
            while shared.finished.load(ordering: .acquiring) < Self.writers {
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(shared.failed.withLock { $0 } == nil)
            try await sink.wait(for: "delivery in round \(round)", within: 15) {
                $0.changes.count >= round * Self.writers
            }
        }
        #expect(sink.changes.count == Self.rounds * Self.writers)
        running.cancel()
        try await running.value
    }
}
