import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellHub

@Suite struct HubStateTests {
    @Test("each message names the one before it in its channel")
    func previousLinks() {
        var state = opened()
        let published = state.publish(
            [draft("order:1", at(1)), draft("order:2", at(2)), draft("order:1", at(3))], head: at(3), now: second(1))
        #expect(published.map(\.previous) == [nil, nil, at(1)])
        #expect(state.head == at(3))
    }

    @Test("the head moves with changes that concern no channel")
    func headMoves() {
        var state = opened()
        _ = state.publish([], head: at(7), now: second(1))
        #expect(state.head == at(7))
        _ = state.publish([], head: at(5), now: second(1))
        #expect(state.head == at(7))
    }

    @Test("subscribing from a position replays what came after it, once")
    func replay() {
        var state = opened()
        _ = state.publish(
            [draft("order:1", at(1)), draft("order:1", at(2)), draft("order:1", at(3))], head: at(3), now: second(1))
        let joined = state.join(channel("order:1"), feature: feature(), since: .position(at(1)), now: second(2))
        #expect(joined.recovered)
        #expect(joined.position == at(1))
        #expect(joined.replay.map(\.position) == [at(2), at(3)])
        #expect(joined.joinedAt == at(3))
    }

    @Test("what was published between two positions is told, or that history does not reach back so far")
    func publications() {
        var state = opened()
        let short = feature(history: HistoryLimits(count: 3))
        let drafts = (1...5 as ClosedRange<UInt64>).map { draft("order:1", at($0), feature: short) }
        _ = state.publish(drafts, head: at(5), now: second(1))
        func told(after: Position, through: Position?, limit: Int = 9, on name: String = "order:1") -> [Position]? {
            state.publications(on: channel(name), after: after, through: through, limit: limit)?.map(\.position)
        }
        #expect(told(after: at(2), through: nil) == [at(3), at(4), at(5)])
        #expect(told(after: at(3), through: at(4)) == [at(4)])
        #expect(told(after: at(5), through: nil) == [])
        #expect(told(after: at(1), through: nil) == nil, "history begins after 2")
        #expect(told(after: at(2), through: nil, limit: 2) == nil)
        #expect(told(after: at(2, epoch: 2), through: nil) == nil)
        #expect(told(after: at(0), through: nil, on: "order:9") == [])
    }

    @Test("with nothing missed the answer is recovered at the newest position")
    func nothingMissed() {
        var state = opened()
        _ = state.publish([draft("order:1", at(1)), draft("order:2", at(2))], head: at(2), now: second(1))
        let joined = state.join(channel("order:1"), feature: feature(), since: .position(at(1)), now: second(2))
        #expect(joined.recovered && joined.replay.isEmpty && joined.position == at(2))
    }

    @Test("a channel that nobody knows is recovered from anywhere in the log, and not from before it")
    func unknownChannel() {
        var state = opened(floor: at(5))
        _ = state.publish([draft("order:2", at(6))], head: at(6), now: second(1))
        #expect(state.join(channel("order:9"), feature: feature(), since: .position(at(5)), now: second(2)).recovered)
        #expect(!state.join(channel("order:8"), feature: feature(), since: .position(at(4)), now: second(2)).recovered)
    }

    @Test("history that has left by count makes older positions unrecoverable, never partly recovered")
    func boundByCount() {
        var state = opened()
        let short = feature(history: HistoryLimits(count: 2))
        for seq in 1...4 as ClosedRange<UInt64> {
            _ = state.publish([draft("order:1", at(seq), feature: short)], head: at(seq), now: second(1))
        }
        #expect(state.usage.messages == 2)
        let old = state.join(channel("order:1"), feature: short, since: .position(at(1)), now: second(2))
        #expect(!old.recovered && old.replay.isEmpty && old.position == at(4))
        let edge = state.join(channel("order:1"), feature: short, since: .position(at(2)), now: second(2))
        #expect(edge.recovered && edge.replay.map(\.position) == [at(3), at(4)])
    }

    @Test("history leaves by age, and the channel with it, and what is forgotten is not claimed to be recovered")
    func boundByAge() {
        var state = opened()
        _ = state.publish([draft("order:1", at(1))], head: at(1), now: second(10))
        state.sweep(now: second(609))
        #expect(state.usage.messages == 1)
        state.sweep(now: second(610))
        #expect(state.usage == HubUsage())
        let joined = state.join(channel("order:1"), feature: feature(), since: .position(at(0)), now: second(611))
        #expect(!joined.recovered)
        #expect(state.join(channel("order:2"), feature: feature(), since: .position(at(1)), now: second(611)).recovered)
    }

    @Test("somebody who comes and goes again and again leaves no trail")
    func comingAndGoing() {
        var state = opened()
        for number in 1...20_000 as ClosedRange<Int64> {
            _ = state.join(channel("order:1"), feature: feature(), since: .latest, now: second(1))
            state.leave(channel("order:1"), now: Timestamp(microseconds: number))
        }
        #expect(state.vacated.count <= HubState.vacatedSlack + 2)
    }

    @Test("of empty channels only so many are remembered; those that are empty for longest are forgotten first")
    func boundOfVacant() {
        var state = opened(limits: HubLimits(lingering: 3))
        for number in 1...10_000 {
            _ = state.join(channel("order:\(number)"), feature: feature(), since: .latest, now: second(1))
            state.leave(channel("order:\(number)"), now: second(1))
        }
        #expect(state.usage.channels == 3)
        for number in 9_998...10_000 {
            _ = state.join(channel("order:\(number)"), feature: feature(), since: .latest, now: second(2))
        }
        #expect(state.usage.channels == 3)
        _ = state.join(channel("order:1"), feature: feature(), since: .latest, now: second(2))
        state.leave(channel("order:1"), now: second(2))
        #expect(state.usage == HubUsage(channels: 4, subscriptions: 3, messages: 0, bytes: 0))
        state.sweep(now: second(700))
        #expect(state.usage == HubUsage(channels: 3, subscriptions: 3, messages: 0, bytes: 0))
    }

    @Test("history leaves by bytes, the oldest message of all channels first")
    func boundByBytes() {
        var state = opened(limits: HubLimits(historyBytes: 3 * Publication.overhead))
        for seq in 1...5 as ClosedRange<UInt64> {
            _ = state.publish([draft("order:\(seq)", at(seq))], head: at(seq), now: second(1))
        }
        #expect(state.usage.messages == 3)
        #expect(state.lastPosition(on: channel("order:1")) == nil)
        #expect(state.lastPosition(on: channel("order:3")) == at(3))
    }

    @Test("a channel without history is kept for a while after the last subscriber left")
    func linger() {
        var state = opened(limits: HubLimits(linger: .seconds(60)))
        _ = state.join(channel("order:1"), feature: feature(), since: .latest, now: second(0))
        state.leave(channel("order:1"), now: second(10))
        _ = state.join(channel("order:1"), feature: feature(), since: .latest, now: second(20))
        state.leave(channel("order:1"), now: second(30))
        state.sweep(now: second(80))  // the first leave has expired, and means nothing any more
        #expect(state.usage.channels == 1)
        state.sweep(now: second(90))
        #expect(state.usage.channels == 0)
    }

    @Test("leaving twice or leaving what was never joined changes nothing")
    func leaveTwice() {
        var state = opened()
        _ = state.join(channel("order:1"), feature: feature(), since: .latest, now: second(0))
        state.leave(channel("order:1"), now: second(1))
        state.leave(channel("order:1"), now: second(2))
        state.leave(channel("order:7"), now: second(2))
        #expect(state.usage.subscriptions == 0)
    }

    @Test(
        "a publication to all channels of a template reaches those that exist and spoils the recovery of those that do not"
    )
    func matching() throws {
        var state = opened()
        _ = state.join(channel("order:1"), feature: feature(), since: .latest, now: second(0))
        _ = state.join(channel("other"), feature: feature("other", template: "other"), since: .latest, now: second(0))
        let truncate = Draft(
            feature: feature(), audience: .matching([try ChannelTemplate("order:{id}")]), content: .signal,
            position: at(4),
            committedAt: second(4))
        let published = state.publish([truncate], head: at(4), now: second(1))
        #expect(published.map(\.channel) == [channel("order:1")])
        #expect(!state.join(channel("order:2"), feature: feature(), since: .position(at(3)), now: second(2)).recovered)
        #expect(state.join(channel("order:1"), feature: feature(), since: .position(at(3)), now: second(2)).recovered)
    }

    @Test("a new epoch resets every channel that has subscribers and makes old positions worthless")
    func newEpoch() {
        var state = opened()
        _ = state.join(channel("order:1"), feature: feature(), since: .latest, now: second(0))
        _ = state.publish([draft("order:1", at(1)), draft("order:2", at(2))], head: at(2), now: second(1))
        let resets = state.open(floor: at(0, tick: 9, epoch: 2), now: second(2))
        #expect(resets.map(\.channel).contains(channel("order:1")))
        #expect(state.head == at(0, tick: 9, epoch: 2))
        #expect(!state.join(channel("order:1"), feature: feature(), since: .position(at(2)), now: second(3)).recovered)
        #expect(state.usage.messages == 0)
    }

    @Test("opening the same log again after a reconnection changes nothing")
    func reopened() {
        var state = opened()
        _ = state.publish([draft("order:1", at(1))], head: at(1), now: second(1))
        #expect(state.open(floor: at(0), now: second(2)).isEmpty)
        #expect(state.lastPosition(on: channel("order:1")) == at(1))
    }

    @Test("a log that begins after what was delivered has a hole, and says so")
    func hole() {
        var state = opened()
        _ = state.join(channel("order:1"), feature: feature(), since: .latest, now: second(0))
        #expect(state.open(floor: at(0, tick: 40), now: second(2)).count == 1)
    }

    @Test("commit times between two positions are found for the staleness of a poll")
    func commits() {
        var state = opened()
        _ = state.publish((1...5).map { draft("order:1", at($0)) }, head: at(5), now: second(1))
        #expect(state.commits(on: channel("order:1"), after: at(1), through: at(3)) == [second(2), second(3)])
        #expect(state.commits(on: channel("order:2"), after: at(1), through: at(3)).isEmpty)
    }

    @Test("nothing is called unchanged that a model which never forgets knows a change of", arguments: 0..<40)
    func unchanged(seed: Int) {
        var random = SplitMix(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
        var state = opened(
            limits: HubLimits(
                historyBytes: Publication.overhead * Int.random(in: 1...40, using: &random), linger: .seconds(5)))
        let busy = feature(history: HistoryLimits(count: Int.random(in: 0...6, using: &random), age: .seconds(20)))
        var last: [String: Position] = [:]
        var now: Int64 = 0
        var known = 0
        for seq in 1...300 as ClosedRange<UInt64> {
            now += Int64.random(in: 0...2, using: &random)
            let name = "order:\(Int.random(in: 0..<6, using: &random))"
            if Bool.random(using: &random) {
                _ = state.publish([draft(name, at(seq), feature: busy)], head: at(seq), now: second(now))
                last[name] = at(seq)
            }
            if Int.random(in: 0..<4, using: &random) == 0 { state.sweep(now: second(now)) }
            if Int.random(in: 0..<8, using: &random) == 0 {
                _ = state.join(channel(name), feature: busy, since: .latest, now: second(now))
            } else {
                state.leave(channel(name), now: second(now))
            }
            let since = at(UInt64.random(in: (seq - min(seq, 20))...seq, using: &random))
            let asked = (0..<2).map { _ in "order:\(Int.random(in: 0..<7, using: &random))" }
            guard state.isUnchanged(asked.map { channel($0) }, since: since) else { continue }
            known += 1
            #expect(asked.allSatisfy { last[$0].map { $0 <= since } ?? true })
        }
        #expect(known > 0)
        #expect(!state.isUnchanged([channel("order:0")], since: at(300, epoch: 2)))
        _ = state.open(floor: at(0, epoch: 2), now: second(now))
        #expect(!state.isUnchanged([channel("order:0")], since: at(300)))
        #expect(state.isUnchanged([channel("order:0")], since: at(0, epoch: 2)))
    }

    /// The floor rule against a model that never forgets, over random histories.
    @Test("whoever is recovered has everything, whoever lacks something is told", arguments: 0..<40)
    func recoveryIsAllOrNothing(seed: Int) {
        var random = SplitMix(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
        var state = opened(
            limits: HubLimits(
                historyBytes: Publication.overhead * Int.random(in: 1...40, using: &random), linger: .seconds(5)))
        let limits = HistoryLimits(count: Int.random(in: 1...6, using: &random), age: .seconds(20))
        let busy = feature(history: limits)
        var model: [String: [Position]] = [:]
        var now: Int64 = 0
        for seq in 1...300 as ClosedRange<UInt64> {
            now += Int64.random(in: 0...2, using: &random)
            let name = "order:\(Int.random(in: 0..<6, using: &random))"
            if Bool.random(using: &random) {
                _ = state.publish([draft(name, at(seq), feature: busy)], head: at(seq), now: second(now))
                model[name, default: []].append(at(seq))
            }
            if Int.random(in: 0..<4, using: &random) == 0 { state.sweep(now: second(now)) }
            let since = at(UInt64.random(in: 0...seq, using: &random))
            let joined = state.join(channel(name), feature: busy, since: .position(since), now: second(now))
            if joined.recovered {
                #expect(joined.replay.map(\.position) == model[name, default: []].filter { $0 > since })
            } else {
                #expect(joined.replay.isEmpty)
            }
            if Bool.random(using: &random) { state.leave(channel(name), now: second(now)) }
        }
    }
}
