import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import NIOCore
import NIOHTTP1
import Testing

@testable import DoorbellShim

@Suite(.timeLimit(.minutes(1))) struct ParityRecorderTests {
    /// Tells the time, and counts how often it was asked: each comparison asks once.
    private final class Clock: Sendable {
        private let state = Locked((now: Timestamp(microseconds: 1_000_000_000), asked: 0))
        var asked: Int { state.withLock { $0.asked } }
        func pass(_ time: Duration) { state.withLock { $0.now = $0.now.advanced(by: time) } }
        @Sendable func now() -> Timestamp {
            state.withLock { state in
                state.asked += 1
                return state.now
            }
        }
    }

    private let clock = Clock()
    private let feature: Feature
    private let recorder: ParityRecorder
    private let position = Position(epoch: 1, tick: 1, seq: 0)

    init() throws {
        feature = Feature(
            name: "notes", poll: try PollPattern("GET /notes"), tables: [], channel: try ChannelTemplate("notes"))
        let hub = Hub { Timestamp(microseconds: 1_000_000_000) }
        hub.open(floor: position)
        recorder = ParityRecorder(features: [feature], hub: hub, now: clock.now, isCompared: { _ in true })
        recorder.captureChanged(to: .live(leader: true))
    }

    private func poll(_ body: String) throws {
        let poll = try #require(FeatureCatalog([feature]).poll(matching: "/notes"))
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/notes")
        var capture = try #require(recorder.begins(poll, head, position: position))
        capture.began(HTTPResponseHead(version: .http1_1, status: .ok))
        capture.passed(ByteBuffer(string: body))
        recorder.ended(capture, status: .ok, digest: 1)
    }

    private func until(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(5)) }
    }

    /// Until nothing was compared for longer than two pauses.
    private func untilAsleep() async throws {
        var before = -1
        while clock.asked != before {
            before = clock.asked
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    @Test func `what compares sleeps until there is something, goes on while capture is behind, and sleeps again`()
        async throws
    {
        let comparing = Task { await recorder.run() }
        defer { comparing.cancel() }
        recorder.look()
        let begun = clock.asked
        try await Task.sleep(for: .milliseconds(500))
        #expect(clock.asked == begun, "nothing to compare, nothing done")
        try poll("[]")
        try poll("[]")
        try await until { recorder.counts(of: "notes").quiet == 1 }
        // Both answers wait for capture.
        let waiting = clock.asked
        try await until { clock.asked > waiting + 2 }
        recorder.covered(before: .now + .seconds(1))
        try await untilAsleep()
        try poll("[]")
        try await until { recorder.counts(of: "notes").quiet == 2 }
    }

    @Test func `who does not poll any more makes room in time`() async throws {
        let comparing = Task { await recorder.run() }
        defer { comparing.cancel() }
        try poll("[]")
        try await until { recorder.report(of: "notes")?.callers == 1 }
        clock.pass(ParityCallers.tenure)
        recorder.look()
        try await until { recorder.report(of: "notes")?.callers == 0 }
    }
}
