import DoorbellCore
import Foundation
import Testing

@testable import DoorbellRollout

@Suite struct ComparisonSumTests {
    private static let now = Timestamp(microseconds: 1_800_000_000_000_000)
    private static var end: Int64 { now.microseconds / 1_000_000 }

    private static func feature(_ name: String) -> ComparisonReport.Feature {
        ComparisonReport.Feature(name: name, poll: "GET /\(name)", stage: "push", percent: 100, interval: 3)
    }

    private static func counts(_ requests: UInt64, staleness: Double? = nil) -> LedgerCounts {
        var counts = LedgerCounts()
        counts.requests = requests
        if let staleness { counts.staleness.record(staleness, count: requests) }
        return counts
    }

    @Test("a series has at most 300 points, and none shorter than what it is made of")
    func steps() {
        let spans: [Int64] = [30, 600, 2999, 3600, 7200, 86_400, 604_800, 2_592_000, 34_560_000]
        for since in spans {
            for shortest in [10, 60, 600, 3600] {
                let query = ComparisonQuery(since: Double(since))
                let sum = ComparisonSum(query, from: 0, until: Self.now, shortest: shortest)
                let step = Int64(sum.step)
                #expect(sum.step >= shortest)
                #expect((Self.end - sum.from) / step <= 300 || sum.step == 86_400)
                #expect(sum.from % step == 0 && sum.from <= Self.end - since)
                #expect(sum.from > Self.end - since - step)
            }
        }
        // Less than was asked for, when nobody counted before.
        let begun = ComparisonSum(ComparisonQuery(), from: Self.end - 100, until: Self.now, shortest: 10)
        #expect(begun.step == 10 && begun.from <= Self.end - 100 && begun.from > Self.end - 110)
        for odd in [-1.0, 0, .infinity, 1e300] {
            let sum = ComparisonSum(ComparisonQuery(since: odd), from: 0, until: Self.now, shortest: 10)
            #expect(sum.from <= Self.end && sum.step >= 10)
        }
    }

    @Test("lines, paths and processes add up; what is too old or of no feature is left out")
    func sums() throws {
        var sum = ComparisonSum(ComparisonQuery(since: 600, points: .all), from: 0, until: Self.now, shortest: 60)
        #expect(sum.step == 60)
        let polls = Ledger.Key("b", .poll, .poll)
        let push = Ledger.Key("b", .push, .push)
        sum.add(Self.counts(5, staleness: 1), of: polls, start: sum.from - 1)
        sum.add(Self.counts(1, staleness: 1), of: polls, start: sum.from)
        sum.add(Self.counts(2, staleness: 3), of: polls, start: sum.from + 59)
        sum.add(Self.counts(4), of: polls, start: sum.from + 120)
        sum.add(Self.counts(7, staleness: 0.01), of: push, start: sum.from + 60)
        sum.add(Self.counts(8), of: Ledger.Key("a", .push, .push), start: sum.from + 60)
        sum.add(Self.counts(9), of: Ledger.Key("gone", .push, .push), start: sum.from + 60)
        var usage = LedgerUsage()
        usage.service = 2
        usage.transactions = 100
        sum.add(usage, start: sum.from)
        usage.legacy = 1
        sum.add(usage, start: sum.from + 180)
        let report = sum.report(
            until: Self.now, features: [Self.feature("a"), Self.feature("b")], memory: (service: 1 << 20, legacy: nil))
        #expect(report.lines.map(\.feature) == ["a", "b", "b"])
        let line = report.lines[1]
        #expect(line.cohort == .poll && line.path == .poll && line.total.requests == 7 && line.total.told == 3)
        #expect(line.points.map(\.total.requests) == [3, 4] && line.points[1].at == Double(sum.from) + 120)
        #expect(abs((line.total.staleness?.p50 ?? 0) - 3) < 0.03 && line.points[1].total.staleness == nil)
        #expect(line.staleness.map(\.count) == [1, 2])
        #expect(zip(line.staleness, [1.0, 3]).allSatisfy { $0.upTo >= $1 && $0.upTo < $1 * 1.02 })
        #expect(report.paths.map(\.path) == [.poll, .push])
        // Of all features, also of one that is configured no more.
        #expect(report.paths[1].points.map(\.total.requests) == [24])
        #expect(report.processes.map(\.name) == ["doorbell", "legacy API"])
        #expect(report.processes[0].cpuSeconds == 4 && report.processes[0].memory == 1 << 20)
        #expect(report.processes[1].points.map(\.cpuSeconds) == [1])
        #expect(report.database == ComparisonReport.DatabaseUsage(transactions: 200, statements: nil))
        #expect(report.step == 60 && report.until == 1_800_000_000)
        #expect(try JSONDecoder().decode(ComparisonReport.self, from: JSONEncoder().encode(report)) == report)
    }

    @Test("only what is asked for")
    func queries() {
        for (points, lines, paths) in [
            (ComparisonQuery.Points.none, 0, 0), (.paths, 0, 1), (.all, 1, 1),
        ] {
            var sum = ComparisonSum(
                ComparisonQuery(since: 600, feature: "a", points: points), from: 0, until: Self.now, shortest: 60)
            for name in ["a", "b"] { sum.add(Self.counts(1), of: Ledger.Key(name, .push, .push), start: sum.from) }
            let report = sum.report(until: Self.now, features: [Self.feature("a"), Self.feature("b")])
            #expect(report.features.map(\.name) == ["a"] && report.lines.map(\.feature) == ["a"])
            #expect(report.lines[0].points.count == lines && report.paths.count == paths)
            #expect(report.lines[0].total.requests == 1 && report.processes.isEmpty && report.database == nil)
        }
    }
}
