internal import DoorbellReport

/// A report's points as series of equal steps, for plots. Points that were left out are zeros.
struct ComparisonSeries {
    /// More would not be seen.
    static let maximumSteps = 240

    private let report: ComparisonReport
    /// Points of each way.
    private let points: [ComparisonSummary.Way: [ComparisonReport.Point]]
    /// Points that one step takes together.
    private let seconds: Double
    private let steps: Int

    /// - Parameter feature: That one's; `nil`: of all together.
    init(_ report: ComparisonReport, feature: String? = nil) {
        self.report = report
        let length = report.until - report.from
        let count = report.step > 0 && length > 0 ? (length / report.step).rounded(.up) : 0
        // What is no number fails the comparison.
        let isUsable = count >= 1 && count < 1e9
        let together = isUsable ? (count / Double(Self.maximumSteps)).rounded(.up) : 1
        seconds = isUsable ? report.step * together : 1
        steps = isUsable ? Int((count / together).rounded(.up)) : 0
        var points: [ComparisonSummary.Way: [ComparisonReport.Point]] = [:]
        for way in ComparisonSummary.Way.allCases {
            let series: [(path: Ledger.Path, points: [ComparisonReport.Point])] =
                feature.map { name in report.lines.filter { $0.feature == name }.map { ($0.path, $0.points) } }
                ?? report.paths.map { ($0.path, $0.points) }
            points[way] = series.filter { way.has($0.path) }.flatMap { path, points in
                points.map { ComparisonReport.Point(at: $0.at, total: way.counted($0.total, by: path)) }
            }
        }
        self.points = points
    }

    func has(_ way: ComparisonSummary.Way) -> Bool { !(points[way] ?? []).isEmpty }

    /// A figure for each second; empty where there is no time to show.
    func rates(_ way: ComparisonSummary.Way, _ value: (ComparisonReport.Tally) -> Double) -> [LinePlot.Point] {
        rates((points[way] ?? []).map { ($0.at, value($0.total)) })
    }

    /// Processors in use. What was not looked at is left out: a process uses something all the time.
    func rates(_ process: ComparisonReport.ProcessUsage) -> [LinePlot.Point] {
        rates(process.points.map { ($0.at, $0.cpuSeconds) }, fillsGaps: false)
    }

    private func rates(_ values: [(at: Double, value: Double)], fillsGaps: Bool = true) -> [LinePlot.Point] {
        var sums = [Double?](repeating: fillsGaps ? 0 : nil, count: steps)
        for (at, value) in values where value.isFinite {
            let step = ((at - report.from) / seconds).rounded(.down)
            guard step >= 0, step < Double(steps) else { continue }
            sums[Int(step)] = (sums[Int(step)] ?? 0) + value
        }
        return sums.enumerated().compactMap { index, sum in
            guard let sum else { return nil }
            let begin = report.from + Double(index) * seconds
            // The last one is not over.
            let covered = min(seconds, report.until - begin)
            return covered < seconds / 4 && steps > 1 ? nil : LinePlot.Point(begin + covered / 2, sum / covered)
        }
    }
}
