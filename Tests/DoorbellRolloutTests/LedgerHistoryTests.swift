import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellRollout

@Suite struct LedgerHistoryTests {
    private static let keys = ["a", "b"].flatMap { feature in
        Ledger.Cohort.allCases.flatMap { cohort in Ledger.Path.allCases.map { Ledger.Key(feature, cohort, $0) } }
    }

    private static func counts(_ random: inout SplitMix) -> LedgerCounts {
        var counts = LedgerCounts()
        counts.requests = .random(in: 0..<1000, using: &random)
        counts.bytesDown = .random(in: 0..<1_000_000, using: &random)
        counts.connectionSeconds = Double(Int.random(in: 0..<100, using: &random))
        for _ in 0..<Int.random(in: 0..<20, using: &random) {
            counts.staleness.record(
                Double(Int.random(in: 0..<5_000_000, using: &random)) / 1e6, count: .random(in: 1..<50, using: &random))
        }
        return counts
    }

    private static func sum(_ intervals: some Sequence<LedgerHistory.Interval>) -> [Ledger.Key: LedgerCounts] {
        var sum: [Ledger.Key: LedgerCounts] = [:]
        for interval in intervals {
            for (key, counts) in interval.lines { sum[key, default: LedgerCounts()].add(counts) }
        }
        return sum
    }

    @Test("whatever comes in is remembered once: in memory, waiting, or written", arguments: 1...20)
    func sums(seed: UInt64) {
        var random = SplitMix(state: seed)
        var history = LedgerHistory()
        var model: [LedgerHistory.Interval] = []
        var written: [LedgerHistory.Interval] = []
        var start: Int64 = 1_000_000 + Int64(Int.random(in: 0..<60, using: &random)) * 10
        start = LedgerHistory.begin(start, 10)
        var isAway = false
        for _ in 0..<600 {
            // Sometimes the process stands still, or the clock is set forward.
            start += Int.random(in: 0..<50, using: &random) == 0 ? 10 * .random(in: 1..<100, using: &random) : 10
            var interval = LedgerHistory.Interval(start: start, seconds: 10)
            for key in Self.keys where Int.random(in: 0..<4, using: &random) == 0 {
                interval.lines[key] = Self.counts(&random)
            }
            history.add(interval)
            model.append(interval)
            if Int.random(in: 0..<100, using: &random) == 0 { isAway.toggle() }
            if !isAway, !history.pending.isEmpty, Bool.random(using: &random) {
                let count = Int.random(in: 1...history.pending.count, using: &random)
                written += history.pending.prefix(count)
                history.written(count)
            }
        }
        #expect(history.lost == 0)
        #expect(Self.sum(written + history.pending + [history.open].compactMap(\.self)) == Self.sum(model))
        // What the database is not asked for is all there.
        let from = history.remembersFrom ?? .max
        #expect(Self.sum(history.own()) == Self.sum(model.filter { $0.start >= from }))
        #expect(history.fine == model.suffix(90))
        for coarse in [60, 600, 3600] {
            let rolled = LedgerHistory.rolledUp(model, to: coarse)
            #expect(Self.sum(rolled) == Self.sum(model))
            #expect(Set(rolled.map(\.start)).count == rolled.count)
            #expect(rolled.allSatisfy { $0.start % Int64(coarse) == 0 && $0.seconds == coarse })
        }
    }

    @Test("while the database is away memory has a bound; what is lost then is counted")
    func bounded() {
        var history = LedgerHistory()
        var interval = LedgerHistory.Interval(start: 0, seconds: 10)
        interval.lines[Ledger.Key("a", .push, .push)] = {
            var counts = LedgerCounts()
            counts.requests = 1
            return counts
        }()
        let total = 6 * 60 * 24 * 3
        for index in 0..<total {
            interval.start = Int64(index) * 10
            history.add(interval)
            let bound = LedgerHistory.maximumPending.minutes + LedgerHistory.maximumPending.coarse
            #expect(history.pending.count <= bound + 1)
            // Two days are kept whole.
            if index == 6 * 60 * 48 { #expect(history.lost == 0) }
        }
        #expect(history.lost > 0)
        #expect(zip(history.pending, history.pending.dropFirst()).allSatisfy { $0.start < $1.start })
        let kept = Self.sum(history.pending + [history.open].compactMap(\.self)).values.reduce(0) { $0 + $1.requests }
        #expect(kept >= 6 * 60 * 48 && kept < total)
    }
}
