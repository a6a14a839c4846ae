import DoorbellReport
import Testing

@testable import DoorbellRollout

@Suite struct ComparisonSeriesTests {
    func report(length: Double, step: Double, at moments: [Double: UInt64]) -> ComparisonReport {
        var report = ComparisonSummaryTests.report([], length: length)
        report.step = step
        let points = moments.sorted { $0.key < $1.key }.map {
            ComparisonReport.Point(at: 1_000_000 + $0.key, total: ComparisonSummaryTests.tally($0.value))
        }
        report.paths = [.init(path: .poll, points: points)]
        return report
    }

    func rates(_ report: ComparisonReport) -> [LinePlot.Point] {
        ComparisonSeries(report).rates(.polls) { Double($0.requests) }
    }

    @Test("points that were left out are zeros, and each is a rate in the middle of its step")
    func gaps() {
        let points = rates(report(length: 40, step: 10, at: [0: 100, 30: 50]))
        #expect(points == [.init(1_000_005, 10), .init(1_000_015, 0), .init(1_000_025, 0), .init(1_000_035, 5)])
    }

    @Test("the last step is divided by what of it has passed, and left out while that is little")
    func last() {
        let half = rates(report(length: 25, step: 10, at: [20: 20]))
        #expect(half.count == 3 && half[2] == .init(1_000_022.5, 4))
        #expect(rates(report(length: 21, step: 10, at: [20: 20])).count == 2)
        #expect(rates(report(length: 2, step: 10, at: [0: 20])) == [.init(1_000_001, 10)])
    }

    @Test("a process is drawn where it was looked at, and the interval that runs is not over")
    func process() {
        let moments: [(Double, Double)] = [(0, 5), (10, 2.5), (30, 10)]
        let process = ComparisonReport.ProcessUsage(
            name: "doorbell", cpuSeconds: 17.5, memory: nil,
            points: moments.map { .init(at: 1_000_000 + $0.0, cpuSeconds: $0.1) })
        let series = ComparisonSeries(report(length: 48, step: 10, at: [:]))
        #expect(series.rates(process) == [.init(1_000_005, 0.5), .init(1_000_015, 0.25), .init(1_000_035, 1)])
    }

    @Test("a week by the minute is drawn in 240 steps, and nothing is lost")
    func week() {
        var moments: [Double: UInt64] = [:]
        for minute in 0..<10_080 { moments[Double(minute) * 60] = 60 }
        let points = rates(report(length: 604_800, step: 60, at: moments))
        #expect(points.count == 240 && points.allSatisfy { abs($0.y - 1) < 1e-9 })
    }

    @Test("without time there is nothing, and what lies outside of it is not counted")
    func outside() {
        #expect(rates(report(length: 0, step: 10, at: [0: 1])).isEmpty)
        #expect(rates(report(length: 10, step: 0, at: [0: 1])).isEmpty)
        #expect(rates(report(length: 1e300, step: 1e-300, at: [0: 1])).isEmpty)
        #expect(rates(report(length: 20, step: 10, at: [-5: 7, 25: 7, 0: 10])).map(\.y) == [1, 0])
    }
}
