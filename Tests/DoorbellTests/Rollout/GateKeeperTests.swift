import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellShim
import Testing

@testable import Doorbell

@Suite(.timeLimit(.minutes(1))) struct GateKeeperTests {
    private let begin = Timestamp(microseconds: 1_000_000_000)
    private let rollouts: RolloutBoard
    private let keeper: GateKeeper

    init() throws {
        let features = try ["notes", "orders"].map { name in
            Feature(
                name: name, poll: try PollPattern("GET /\(name)"), tables: [], channel: try ChannelTemplate(name),
                stage: .shadow)
        }
        let now: @Sendable () -> Timestamp = { Timestamp(microseconds: 1_000_000_000) }
        rollouts = RolloutBoard(features: features)
        keeper = GateKeeper(
            features[0], settings: GateSettings(), rollouts: rollouts,
            ledger: LedgerRecorder(features: features.map(\.name), gated: ["notes"], now: now),
            parity: ParityRecorder(features: features, hub: Hub(now: now), now: now, isCompared: { _ in true }),
            now: begin, isDeciding: { true })
    }

    private func later(_ seconds: Int) -> Timestamp { begin.advanced(by: .seconds(seconds)) }

    @Test func `it says how long it is until the next check`() {
        #expect(keeper.check(now: later(10)) == nil)
        #expect(keeper.untilCheck(now: later(10)) == .seconds(50))
        #expect(keeper.untilCheck(now: later(70)) == .zero, "it is late")
        #expect(keeper.check(now: later(70)) != nil)
        #expect(keeper.untilCheck(now: later(70)) == .seconds(60))
        keeper.retry(now: later(70))
        #expect(keeper.untilCheck(now: later(70)) == .seconds(5), "what could not be written is tried again soon")
    }

    @Test func `the clock was set back: it waits for one interval, not until that time comes again`() {
        #expect(keeper.check(now: later(-3600)) == nil)
        #expect(keeper.untilCheck(now: later(-3600)) == .seconds(60))
    }

    @Test func `it wakes at the start, when its feature was moved and when it is rung, and for nothing else`() async {
        var wakes = keeper.wakes.makeAsyncIterator()
        await wakes.next()
        let moved = Rollout(.push, entry: .init(revision: 1, since: begin, who: "ada", why: nil))
        rollouts.learn(["orders": moved])
        rollouts.learn(["orders": moved, "notes": moved])
        await wakes.next()
        #expect(keeper.check(now: later(59)) == nil)
        #expect(keeper.untilCheck(now: later(59)) == .seconds(60), "a move begins a new interval")
        keeper.ring()
        await wakes.next()
    }
}
