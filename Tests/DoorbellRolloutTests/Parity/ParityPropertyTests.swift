import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellRollout

/// Commits, publications, requests and answers in any order that can happen.
@Suite struct ParityPropertyTests {
    private enum Event {
        case publish
        case ask(Int)
        case answer(Int)
        case sweep
    }

    private struct Poll {
        let caller: UInt64
        let asked: Double
        /// When the legacy API looked at the database.
        let looked: Double
        let answered: Double
        var position = Position(epoch: 1, tick: 1, seq: 0)
    }

    /// - Parameter forgotten: Whether commits are of a table that nothing is published for.
    /// - Returns: The verdicts, and how many pairs of answers that follow each other differ.
    private func run(_ seed: UInt64, forgotten: Bool) -> (counts: Parity.Counts, differing: UInt64) {
        var random = SplitMix(state: seed)
        func some(_ range: ClosedRange<Double>) -> Double { Double.random(in: range, using: &random) }
        var commits: [Double] = []
        var time = 0.0
        while time < 120 {
            time += some(0...1) < 0.3 ? some(0...0.1) : some(0...8)
            commits.append(time)
        }
        var published: [Double] = []
        for commit in commits { published.append(max(commit + some(0...0.5), published.last ?? 0)) }
        var polls: [Poll] = []
        for caller in 1...3 as ClosedRange<UInt64> {
            time = some(0...1)
            while time < 120 {
                let looked = time + some(0...1)
                polls.append(Poll(caller: caller, asked: time, looked: looked, answered: looked + some(0...1)))
                // Some polls overlap.
                time += some(0.2...4)
            }
        }
        var events: [(at: Double, event: Event)] = forgotten ? [] : published.map { ($0, .publish) }
        for index in polls.indices {
            events.append((polls[index].asked, .ask(index)))
            events.append((polls[index].answered, .answer(index)))
        }
        for tick in 0..<620 { events.append((Double(tick) * 0.2, .sweep)) }
        events.sort { $0.at < $1.at }

        let feature = Feature(name: "f", poll: ParityTrial.poll, tables: [])
        var parity = Parity(settings: ParitySettings())
        var log: [Publication] = []
        var bodies: [UInt64: [Int]] = [:]
        for (at, event) in events {
            let now = Timestamp(microseconds: ParityTrial.start + Int64(at * 1e6))
            let head = Position(epoch: 1, tick: 1, seq: UInt64(log.count))
            let known = log
            let traffic: Parity.Traffic = { _, after, through in
                known.filter { $0.position > after && $0.position <= through ?? $0.position }
            }
            // What is published last may have been committed any time before it.
            let covered =
                commits.indices.first { !forgotten && published[$0] > at }
                .map { Timestamp(microseconds: ParityTrial.start + Int64(min(commits[$0], at) * 1e6)) } ?? now
            switch event {
            case .publish:
                let committed = ParityTrial.start + Int64(commits[log.count] * 1e6)
                log.append(
                    Publication(
                        feature: feature, channel: ParityTrial.channel,
                        position: Position(epoch: 1, tick: 1, seq: UInt64(log.count + 1)), previous: nil,
                        committedAt: Timestamp(microseconds: committed), content: .signal))
            case .ask(let index): polls[index].position = head
            case .answer(let index):
                let poll = polls[index]
                let value = commits.count { $0 <= poll.looked }
                bodies[poll.caller, default: []].append(value)
                parity.answered(
                    Parity.Answer(
                        caller: poll.caller, target: "/", channels: [ParityTrial.channel], asked: poll.position,
                        at: now,
                        run: 1, body: .whole(Array("{\"n\":\(value)}".utf8))), traffic: traffic)
            case .sweep:
                parity.sweep(
                    now: now, covered: covered, head: head, run: 1, traffic: traffic)
            }
        }
        let differing = bodies.values.reduce(0) { $0 + zip($1, $1.dropFirst()).count { $0 != $1 } }
        return (parity.counts, UInt64(differing))
    }

    @Test("where every change is told, nothing is missed and nothing needless, however requests and capture overlap")
    func right() {
        for seed in 0..<60 as Range<UInt64> {
            let (counts, _) = run(seed, forgotten: false)
            #expect(counts.missed == 0 && counts.spurious == 0, "seed \(seed): \(counts)")
            #expect(counts.told > 10 && counts.quiet > 10, "seed \(seed): \(counts)")
        }
    }

    @Test("where no change is told, every answer that differs from the one before is missed")
    func wrong() {
        for seed in 0..<60 as Range<UInt64> {
            let (counts, differing) = run(seed, forgotten: true)
            #expect(counts.missed == differing && counts.told == 0, "seed \(seed): \(counts)")
        }
    }
}
