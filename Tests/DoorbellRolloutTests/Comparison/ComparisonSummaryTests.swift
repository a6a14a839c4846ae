import Testing

@testable import DoorbellRollout

@Suite struct ComparisonSummaryTests {
    typealias Report = ComparisonReport

    static func tally(_ requests: UInt64, down: UInt64 = 0, told: UInt64 = 0, saves: UInt64 = 0, unchanged: UInt64 = 0)
        -> Report.Tally
    {
        var tally = Report.Tally()
        tally.requests = requests
        tally.bytesDown = down
        tally.told = told
        tally.bytesTagsWouldSave = saves
        tally.unchanged = unchanged
        return tally
    }

    static func line(_ feature: String, _ path: Ledger.Path, _ total: Report.Tally, late: [Report.StalenessBucket] = [])
        -> Report.Line
    {
        .init(
            feature: feature, cohort: path == .push ? .push : .poll, path: path, total: total, staleness: late,
            points: [])
    }

    /// One day.
    static func report(_ lines: [Report.Line], length: Double = 86_400) -> Report {
        var names: [String] = []
        for line in lines where !names.contains(line.feature) { names.append(line.feature) }
        return Report(
            from: 1_000_000, until: 1_000_000 + length, step: 600,
            features: names.map { .init(name: $0, poll: "GET /\($0)", stage: "canary", percent: 10, interval: 3) },
            lines: lines, paths: [],
            processes: [], database: nil, radio: [])
    }

    func equal(_ value: Double?, _ expected: Double) -> Bool {
        value.map { abs($0 - expected) < 1e-9 * max(1, expected) } ?? false
    }

    @Test("groups of different sizes are compared by what it took to tell as many changes")
    func ratio() {
        // Ten times as many clients poll as are pushed; each change is 1,000 bytes by polls and 100 by push.
        let report = Self.report([
            Self.line("orders", .poll, Self.tally(5000, down: 400_000, told: 400)),
            Self.line("orders", .conditional, Self.tally(1000, down: 100_000, told: 100)),
            Self.line("orders", .push, Self.tally(50, down: 5000, told: 50)),
        ])
        let summary = ComparisonSummary(report)
        #expect(summary.compared == ["orders"])
        #expect(equal(summary.ratio { Double($0.bytesDown) }, 0.1))
        #expect(equal(summary.ratio { Double($0.requests) }, 500.0 / 6000))
        #expect(summary.ratio { Double($0.originRequests) } == nil)
        #expect(summary.column(.polls)?.total.requests == 6000 && summary.column(.polls)?.conditional == 1000)
    }

    @Test("features that were only polled, or only pushed, are no part of the ratio, and their sums are")
    func onlyBoth() {
        let report = Self.report([
            Self.line("orders", .poll, Self.tally(100, down: 1000, told: 10)),
            Self.line("orders", .push, Self.tally(5, down: 50, told: 5)),
            Self.line("observed", .poll, Self.tally(1_000_000, down: 9_000_000, told: 10)),
            Self.line("pushed", .push, Self.tally(7, down: 700, told: 7)),
            Self.line("silent", .poll, Self.tally(10, down: 10)), Self.line("silent", .push, Self.tally(0)),
        ])
        let summary = ComparisonSummary(report)
        #expect(summary.compared == ["orders"])
        #expect(equal(summary.ratio { Double($0.bytesDown) }, 0.1))
        #expect(summary.column(.polls)?.total.bytesDown == 9_001_010 && summary.column(.push)?.total.bytesDown == 750)
        let one = ComparisonSummary(report, feature: "observed")
        #expect(
            one.compared.isEmpty && one.ratio { Double($0.bytesDown) } == nil && one.column(.push)?.total.requests == 0)
    }

    @Test("with tags, answers are short where they say nothing new, and requests carry the tag")
    func tags() {
        let report = Self.report([
            Self.line("orders", .poll, Self.tally(100, down: 100_000, told: 10, saves: 81_000, unchanged: 90)),
            Self.line("orders", .conditional, Self.tally(10, down: 2000, told: 1, unchanged: 9)),
            Self.line("orders", .push, Self.tally(11, down: 1100, told: 11)),
        ])
        let summary = ComparisonSummary(report)
        let tagged = summary.column(.tagged)?.total
        #expect(tagged?.bytesDown == 21_000)
        // `If-None-Match: W/"…"` is 53 bytes; those that had a tag are not given another one.
        #expect(tagged?.bytesUp == 90 * 53)
        #expect(equal(summary.tagRatio { Double($0.bytesDown) }, 21_000 / 102_000))
        #expect(summary.column(.polls)?.total.bytesDown == 102_000)
    }

    @Test("a month is thirty days of what it would cost, had everybody been told this way")
    func month() {
        // In one day 3 of 4 changes were told by polls. Polls: 3 million, USD 3, so USD 4 a day for everybody. Push: 0.1 USD, so 0.4.
        let report = Self.report([
            Self.line("orders", .poll, Self.tally(3_000_000, told: 300)),
            Self.line("orders", .push, Self.tally(100_000, told: 100)),
            Self.line("observed", .poll, Self.tally(8_000_000, told: 300)),
        ])
        let summary = ComparisonSummary(report)
        #expect(equal(summary.column(.polls)?.month?.total, 120) && equal(summary.column(.push)?.month?.total, 12))
        #expect(equal(summary.column(.polls)?.cost.total, 11))
        #expect(ComparisonSummary(report, feature: "observed").column(.polls)?.month == nil)
        #expect(ComparisonSummary(Self.report(report.lines, length: 0)).column(.polls)?.month == nil)
    }

    @Test("held polls are a column of their own, projected only where every feature had them")
    func held() {
        let both = [
            Self.line("orders", .poll, Self.tally(1_000_000, told: 10)),
            Self.line("orders", .held, Self.tally(500_000, told: 10)),
            Self.line("orders", .push, Self.tally(1, told: 20)),
        ]
        // Half as many requests for a quarter of what was told.
        #expect(equal(ComparisonSummary(Self.report(both)).column(.held)?.month?.requests, 0.5 * 4 * 30))
        let other = [
            Self.line("other", .poll, Self.tally(1, told: 1)), Self.line("other", .push, Self.tally(1, told: 1)),
        ]
        #expect(ComparisonSummary(Self.report(both + other)).column(.held)?.month == nil)
        #expect(ComparisonSummary(Self.report(other)).column(.held) == nil)
    }

    @Test("how late is read from the buckets of all lines together, and taken as it is from one alone")
    func staleness() {
        var exact = Self.tally(100, told: 100)
        exact.staleness = .init(p50: 1.5, p95: 2.85, p99: 2.97)
        let late: [Report.StalenessBucket] = [.init(upTo: 2, count: 60), .init(upTo: 4, count: 40)]
        let one = Self.report([Self.line("orders", .poll, exact, late: late)])
        #expect(ComparisonSummary(one).column(.polls)?.percentiles == .init(p50: 1.5, p95: 2.85, p99: 2.97))
        let two = Self.report(
            one.lines + [
                Self.line("orders", .conditional, exact, late: [.init(upTo: 1, count: 50), .init(upTo: 4, count: 50)])
            ])
        let column = ComparisonSummary(two).column(.polls)
        #expect(column?.staleness == [.init(upTo: 1, count: 50), .init(upTo: 2, count: 60), .init(upTo: 4, count: 90)])
        #expect(column?.percentiles == .init(p50: 2, p95: 4, p99: 4))
        #expect(Report.percentiles([]) == nil && Report.percentiles([.init(upTo: 1, count: 0)]) == nil)
    }

    @Test("numbers that are too large, or none, do no harm")
    func hostile() {
        var huge = Self.tally(.max, down: .max, told: .max, saves: .max, unchanged: .max)
        huge.bytesUp = .max
        huge.cpuSeconds = .infinity
        huge.connectionSeconds = .nan
        let buckets: [Report.StalenessBucket] = [
            .init(upTo: .nan, count: 1), .init(upTo: .infinity, count: 1), .init(upTo: 1, count: .max),
        ]
        let lines = Ledger.Path.allCases.flatMap { path in
            (0..<2).map { _ in Self.line("orders", path, huge, late: buckets) }
        }
        for length in [86_400, 0, -5, .nan, .infinity] as [Double] {
            var report = Self.report(lines, length: length)
            report.step = length
            report.paths = [
                .init(path: .poll, points: [.init(at: .nan, total: huge), .init(at: 1_000_000, total: huge)])
            ]
            report.radio = [.init(path: .push)]
            report.processes = [
                .init(
                    name: "doorbell", cpuSeconds: .nan, memory: .max, points: [.init(at: .infinity, cpuSeconds: .nan)])
            ]
            #expect(!report.text().isEmpty && !report.text(feature: "orders").isEmpty)
            #expect(ComparisonPage.html(report).hasPrefix("<!DOCTYPE html>"))
            #expect(ComparisonPage.html(report, feature: "orders").hasPrefix("<!DOCTYPE html>"))
        }
        #expect(ComparisonSummary(Self.report(lines)).column(.polls)?.total.requests == .max)
    }
}
