import DoorbellCore
import DoorbellTesting
import Testing

@testable import DoorbellCapture

/// Servers that capture cannot work with are refused by name.
@Suite("Refused servers") struct ServerRefusalTests {
    private func error(_ conninfo: String) -> DoorbellError? {
        do {
            _ = try Preflight(conninfo: conninfo).check(tables: [])
            return nil
        } catch {
            return error
        }
    }

    /// What a service says that was started there all the same.
    private func reason(_ conninfo: String) async throws -> String {
        let harness = CaptureHarness(conninfo: conninfo)
        try await harness.sink.wait(for: "the refusal") { if case .down = $0.status { true } else { false } }
        guard case .down(let reason) = harness.sink.status else { return "" }
        try await harness.stop()
        #expect(!harness.sink.events.contains { if case .status(.live) = $0 { true } else { false } })
        return reason
    }

    @Test("a connection pooler") func pooler() async throws {
        let cluster = try CaptureHarness.cluster.get()
        let conninfo = try cluster.makeDatabase()
        let database = try ScratchConnection(conninfo).run("select current_database()")[0][0] ?? ""
        _ = try Installer(conninfo: conninfo, tables: []).install()
        guard let pooler = try ScratchPooler(to: cluster) else {
            print("SKIPPED: a connection pooler is refused (there is no PgBouncer here)")
            return
        }
        defer { pooler.remove() }
        let pooled = pooler.conninfo(database: database)
        var found = error(pooled)
        // It listens a moment after it has gone into the background.
        let deadline = ContinuousClock.now + .seconds(10)
        while found?.code == .database, ContinuousClock.now < deadline { found = error(pooled) }
        #expect(found?.code == .unsupported)
        #expect(found?.message == "127.0.0.1:\(pooler.port)/\(database) is a connection pooler, not PostgreSQL itself")
        #expect(found?.hint?.contains("the server's own address") == true)
        #expect(try await reason(pooled) == "this is a connection pooler, not PostgreSQL itself")
    }

    @Test("a standby") func standby() async throws {
        let primary = try ScratchPostgres(settings: ["wal_level = replica", "max_wal_senders = 4"])
        defer { primary.remove() }
        _ = try Installer(conninfo: primary.conninfo(), tables: []).install()
        let standby = try ScratchPostgres(standbyOf: primary)
        defer { standby.remove() }
        let found = error(standby.conninfo())
        #expect(found?.code == .unsupported)
        #expect(found?.message == "PostgreSQL at 127.0.0.1:\(standby.port)/postgres is a standby")
        #expect(found?.hint?.contains("primary") == true)
        #expect(throws: DoorbellError.self) { try Installer(conninfo: standby.conninfo(), tables: []).install() }
        #expect(try await reason(standby.conninfo()) == "this PostgreSQL is a standby")
    }

    @Test("a server older than 13") func old() async throws {
        let first = try FakeServer(version: "12.9")
        let found = error("host=127.0.0.1 port=\(first.port) dbname=x user=x sslmode=disable gssencmode=disable")
        #expect(found?.code == .unsupported)
        #expect(found?.message == "PostgreSQL at 127.0.0.1:\(first.port)/x is version 12")
        #expect(found?.hint == "Doorbell needs version 13 or newer.")
        let second = try FakeServer(version: "12.9")
        let reason = try await reason(
            "host=127.0.0.1 port=\(second.port) dbname=x user=x sslmode=disable gssencmode=disable")
        #expect(reason == "PostgreSQL is version 12, older than 13")
    }
}
