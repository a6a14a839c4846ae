import DoorbellCore
import DoorbellTesting
import Logging
import Testing

@testable import DoorbellCapture

@Suite("Database writer") struct DatabaseWriterTests {
    /// A writer that runs until the test ends.
    private final class Running: Sendable {
        let writer: DatabaseWriter
        private let task: Task<Void, any Error>

        init(_ conninfo: String, retention: Duration? = nil, deadline: Duration = .seconds(30)) {
            let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let writer = DatabaseWriter(conninfo: conninfo, retention: retention, deadline: deadline, logger: quiet)
            self.writer = writer
            self.task = Task { try await writer.run() }
        }

        deinit { task.cancel() }

        func stop() async throws {
            task.cancel()
            try await task.value
        }

        func publish(_ data: String, on channel: String = "user:7:inbox") async throws -> WriteFailure? {
            let name = try #require(ChannelName(channel))
            return await withCheckedContinuation { continuation in
                writer.publish(DirectMessage(data: Array(data.utf8), from: "7", session: "s", id: #""x""#), on: name) {
                    continuation.resume(returning: $0)
                }
            }
        }

        func open(_ key: CursorKey, at start: Position) async -> Result<OpenedCursor, WriteFailure> {
            await withCheckedContinuation { continuation in
                writer.openCursor(key, at: start) { continuation.resume(returning: $0) }
            }
        }
    }

    private func installed(on cluster: ScratchPostgres) throws -> (conninfo: String, app: ScratchConnection) {
        let conninfo = try cluster.makeDatabase()
        let channels = [PublishedChannels(try ChannelTemplate("user:{id}:inbox"), feature: "inbox")]
        _ = try Installer(conninfo: conninfo, tables: [], channels: channels).install()
        return (conninfo, try ScratchConnection(conninfo))
    }

    private func key(_ client: String) throws -> CursorKey {
        CursorKey(identity: #"i"{}\"#, client: client, channel: try #require(ChannelName("user:7:inbox")))
    }

    private func position(_ seq: UInt64) -> Position { Position(epoch: 1, tick: 1, seq: seq) }

    private struct TimedOut: Error { let what: String }

    private let rows = "select client, seq from doorbell.cursors order by client"

    private func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw TimedOut(what: what) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test("messages are committed as they came; one that the database refuses fails alone") func publishes()
        async throws
    {
        let (conninfo, app) = try installed(on: CaptureHarness.cluster.get())
        let running = Running(conninfo)
        #expect(try await running.publish(#"{"a":"\u00e4\"\\,{}"}"#) == nil)
        let written = try app.run("select new, old::json ->> 'from', old::json ->> 'id' from doorbell.outbox")
        #expect(written == [[#"{"a":"\u00e4\"\\,{}"}"#, "7", "x"]])
        func publishMany(refused: Int?) async throws -> [Int: WriteFailure] {
            try await withThrowingTaskGroup(of: (Int, WriteFailure?).self) { group in
                for number in 0..<50 {
                    let channel = number == refused ? "user:7:other" : "user:7:inbox"
                    group.addTask { (number, try await running.publish("\(number)", on: channel)) }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
        }
        let results = try await publishMany(refused: 25)
        #expect(Set(results.keys) == [25])
        guard case .refused(let reason)? = results[25] else { throw TimedOut(what: "refusal") }
        #expect(reason.contains("no feature"))
        #expect(try app.run("select count(*) from doorbell.outbox") == [["50"]])
        // Many at once share transactions.
        #expect(try await publishMany(refused: nil).isEmpty)
        #expect(try app.run("select count(*), count(distinct xid) < 100 from doorbell.outbox") == [["100", "t"]])
        try await running.stop()
    }

    /// Clients cannot say such a position any more; this is for whatever else the database may refuse.
    @Test("a cursor that the database refuses is dropped and holds up nobody else's")
    func refusedCursor() async throws {
        let (conninfo, app) = try installed(on: CaptureHarness.cluster.get())
        let running = Running(conninfo)
        for client in ["a", "b", "c"] { _ = await running.open(try key(client), at: position(1)) }
        for (client, seq) in [("a", 7 as UInt64), ("b", .max), ("c", 9)] {
            running.writer.acknowledge(try key(client), position(seq))
        }
        try await eventually("the others moved") { try app.run(rows) == [["a", "7"], ["b", "1"], ["c", "9"]] }
        running.writer.acknowledge(try key("b"), position(8))
        try await eventually("and it can move again") { try app.run(rows)[1] == ["b", "8"] }
        async let good = running.open(try key("d"), at: position(4))
        async let bad = running.open(try key("e"), at: position(.max))
        let results = try await (good, bad)
        #expect(results.0 == .success(.init(position: position(4), isNew: true)))
        #expect(results.1 == .failure(.unavailable))
        try await running.stop()
    }

    @Test("a cursor begins once, where it was first opened, and is found there by anybody who opens it again")
    func opens()
        async throws
    {
        let (conninfo, app) = try installed(on: CaptureHarness.cluster.get())
        let running = Running(conninfo)
        #expect(
            await running.open(try key("a"), at: position(5)) == .success(.init(position: position(5), isNew: true)))
        #expect(try app.run(rows) == [["a", "5"]], "it is durable before the answer")
        #expect(
            await running.open(try key("a"), at: position(9)) == .success(.init(position: position(5), isNew: false)))
        #expect(
            await running.open(try key("b"), at: position(9)) == .success(.init(position: position(9), isNew: true)))
        running.writer.acknowledge(try key("a"), position(7))
        #expect(
            await running.open(try key("a"), at: position(9)) == .success(.init(position: position(7), isNew: false)))
        try await eventually("written cursor") { try app.run(rows) == [["a", "7"], ["b", "9"]] }
        try await running.stop()
    }

    @Test("a cursor never goes back, whoever writes it last; a new epoch is further than any position of the old one")
    func forwardsOnly() async throws {
        let (conninfo, app) = try installed(on: CaptureHarness.cluster.get())
        let (one, other) = (Running(conninfo), Running(conninfo))
        one.writer.acknowledge(try key("a"), position(9))
        try await eventually("first") { try app.run(rows) == [["a", "9"]] }
        other.writer.acknowledge(try key("a"), position(4))
        other.writer.acknowledge(try key("b"), position(1))
        try await eventually("second") { try app.run(rows).count == 2 }
        #expect(try app.run(rows) == [["a", "9"], ["b", "1"]])
        other.writer.acknowledge(try key("a"), Position(epoch: 2, tick: 1, seq: 1))
        try await eventually("new epoch") { try app.run(rows) == [["a", "1"], ["b", "1"]] }
        try await one.stop()
        // What waits is written before the end.
        other.writer.acknowledge(try key("b"), position(3))
        try await other.stop()
        #expect(try app.run(rows) == [["a", "1"], ["b", "3"]])
    }

    @Test("PostgreSQL is restarted in the middle of a burst of acknowledgements: none is lost, none goes back")
    func restart() async throws {
        let cluster = try ScratchPostgres()
        defer { cluster.remove() }
        let (conninfo, app) = try installed(on: cluster)
        let running = Running(conninfo)
        let clients = (0..<20).map { "c\($0)" }
        var greatest: [String: UInt64] = [:]
        let read = "select client, seq from doorbell.cursors"
        func check(_ app: ScratchConnection) throws {
            for row in try app.run(read) {
                let (client, seq) = (row[0] ?? "", UInt64(row[1] ?? "") ?? 0)
                #expect(seq >= greatest[client] ?? 0)
                greatest[client] = seq
            }
        }
        for seq in 1...UInt64(100) {
            for client in clients { running.writer.acknowledge(try key(client), position(seq)) }
            if seq == 30 { try cluster.restart(immediate: true) }
            if seq == 60 { try cluster.restart() }
            try await Task.sleep(for: .milliseconds(10))
            if seq % 10 == 0, let app = try? ScratchConnection(conninfo) { try check(app) }
        }
        let later = try ScratchConnection(conninfo)
        try await eventually("all at 100") {
            try check(later)
            return try later.run("select count(*) from doorbell.cursors where seq = 100") == [["20"]]
        }
        #expect(try await running.publish("1") == nil, "it goes on as before")
        _ = app
        try await running.stop()
    }

    @Test(
        "while the database is away, whoever waits is told so by the deadline, and the next one is served when it is back"
    )
    func away() async throws {
        let cluster = try ScratchPostgres()
        defer { cluster.remove() }
        let (conninfo, _) = try installed(on: cluster)
        let running = Running(conninfo, deadline: .milliseconds(300))
        #expect(try await running.publish("1") == nil)
        try cluster.stop()
        #expect(try await running.publish("2") == .unavailable)
        #expect(await running.open(try key("a"), at: position(1)) == .failure(.unavailable))
        try cluster.start()
        var failure: WriteFailure? = .unavailable
        for _ in 0..<50 where failure != nil { failure = try await running.publish("3") }
        #expect(failure == nil)
        let app = try ScratchConnection(conninfo)
        #expect(try app.run("select new from doorbell.outbox order by seq") == [["1"], ["3"]])
        try await running.stop()
    }

    @Test("cursors that nobody touched for the retention are removed; one that is opened again is not") func prunes()
        async throws
    {
        let (conninfo, app) = try installed(on: CaptureHarness.cluster.get())
        let running = Running(conninfo, retention: .seconds(3600))
        for client in ["old", "kept"] { _ = await running.open(try key(client), at: position(1)) }
        try await running.stop()
        try app.run("update doorbell.cursors set touched_at = now() - interval '2 hours'")
        let again = Running(conninfo, retention: .seconds(2))
        // Until the pruning second has passed it is opened over and over.
        try await eventually("pruning") {
            again.writer.openCursor(try key("kept"), at: position(9)) { _ in }
            return try app.run(rows) == [["kept", "1"]]
        }
        try await again.stop()
    }
}
