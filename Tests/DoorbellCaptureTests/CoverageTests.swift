import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Logging
import Testing

/// "Everything committed before this moment has been delivered", against a real database.
@Suite(.serialized) struct CoverageTests {
    /// Counts changes, and knows how many there were when it was last told a moment.
    private final class Counter: ChangeSink {
        private struct State {
            var changes = 0
            var covered: (moment: ContinuousClock.Instant, changes: Int)?
            var status = CaptureStatus.starting
        }

        private let state = Locked(State())
        var covered: (moment: ContinuousClock.Instant, changes: Int)? { state.withLock { $0.covered } }
        var isLive: Bool { state.withLock { $0.status.isLive } }

        func logOpened(floor: Position, replayingTo: Position?) {}
        func deliver(_ batch: ChangeBatch, queries: any ChannelQueryRunner) {
            state.withLock { $0.changes += batch.changes.count }
        }
        func captureChanged(to status: CaptureStatus) { state.withLock { $0.status = status } }
        func covered(before moment: ContinuousClock.Instant) { state.withLock { $0.covered = (moment, $0.changes) } }
    }

    private func start(_ conninfo: String, _ sink: Counter) -> Task<Void, any Error> {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = CaptureService(
            configuration: CaptureConfiguration(conninfo: conninfo), sink: sink, logger: logger)
        return Task { try await service.run() }
    }

    private func until(_ what: String, _ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while !condition() {
            try #require(ContinuousClock.now < deadline, "waited in vain until \(what)")
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    @Test("what a moment covers is delivered, asleep and under load, leading and following")
    func covered() async throws {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run("create table t (id bigint generated always as identity primary key)")
        _ = try Installer(conninfo: conninfo, tables: [.named("t")]).install()
        let (leader, follower) = (Counter(), Counter())
        let leading = start(conninfo, leader)
        try await until("the leader is live") { leader.isLive }
        let following = start(conninfo, follower)
        try await until("the follower is live") { follower.isLive }
        var written = 0
        for round in 0..<12 {
            // Asleep by the end of the longer pauses.
            if round % 4 == 0 { try await Task.sleep(for: .milliseconds(1300)) }
            for _ in 0..<(round % 3 == 0 ? 1 : 200) {
                try app.run("insert into t default values")
                written += 1
                let committed = ContinuousClock.now
                for sink in [leader, follower] {
                    guard let covered = sink.covered, covered.moment > committed else { continue }
                    #expect(covered.changes >= written)
                }
            }
            let committed = ContinuousClock.now
            for sink in [leader, follower] {
                try await until("everything is covered") { sink.covered.map { $0.moment > committed } ?? false }
                #expect(try #require(sink.covered).changes == written)
            }
        }
        following.cancel()
        leading.cancel()
        try await following.value
        try await leading.value
    }

    @Test("while nothing happens a moment is told about once a second")
    func idle() async throws {
        let conninfo = try CaptureHarness.cluster.get().makeDatabase()
        try ScratchConnection(conninfo).run("create table t (id int primary key)")
        _ = try Installer(conninfo: conninfo, tables: [.named("t")]).install()
        let sink = Counter()
        let capture = start(conninfo, sink)
        try await until("it is live") { sink.isLive }
        var longest = Duration.zero
        let end = ContinuousClock.now + .seconds(12)
        try await until("a probe has been made as well") {
            if let covered = sink.covered { longest = max(longest, ContinuousClock.now - covered.moment) }
            return ContinuousClock.now > end
        }
        #expect(longest < .seconds(1.9), "the cache is given up after 2 s at the earliest")
        capture.cancel()
        try await capture.value
    }
}
