@testable import DoorbellRollout

/// Reports as the service would make them, from a little arithmetic: `clients` a feature poll every 3 s or are pushed, the share of them by the stage, more at
/// noon than at night, and a few changes a minute. The same arguments give the same report.
struct ReportFixture {
    var features = 3
    var clients = 400.0
    /// Seconds.
    var length = 86_400.0
    var step = 600.0
    var until = 1_795_680_000.0
    var polls = true
    var pushes = true
    var hasOthers = true
    var stages = ["push", "canary", "observe"]

    /// 0 to 1, the same for the same number.
    static func chance(_ number: Int) -> Double {
        var z = UInt64(bitPattern: Int64(number)) &* 0x9E37_79B9_7F4A_7C15 &+ 0x632B_E59B_D9B4_E019
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) / Double(1 << 53)
    }

    var report: ComparisonReport {
        let names = ["orders", "notifications", "presence", "positions", "messages", "balances"]
        var report = ComparisonReport(
            from: until - length, until: until, step: step, features: [], lines: [], paths: [], processes: [],
            database: nil, radio: [])
        var sums: [Ledger.Path: [ComparisonReport.Point]] = [:]
        for index in 0..<features {
            let stage = stages[index % stages.count]
            let percent = stage == "push" ? 100.0 : stage == "canary" ? 25 : 0
            let name = index < names.count ? names[index] : "\(names[index % names.count])-\(index)"
            report.features.append(
                .init(name: name, poll: "GET /api/\(name)/{id}", stage: stage, percent: percent, interval: 3))
            // A few clients of a feature that is pushed have an old app.
            let pushed = pushes ? (percent == 100 ? 0.93 : percent / 100) : 0
            let shares: [(Ledger.Path, Ledger.Cohort, Double)] = [
                (.poll, .poll, polls ? (1 - pushed) * 0.8 : 0), (.conditional, .poll, polls ? (1 - pushed) * 0.2 : 0),
                (.push, .push, pushed),
            ]
            for (path, cohort, share) in shares where share > 0 {
                let points = points(path, share, seed: index)
                var total = ComparisonReport.Tally.sum(points.map(\.total))
                let buckets = buckets(path, told: total.told)
                total.staleness = ComparisonReport.percentiles(buckets)
                report.lines.append(
                    .init(
                        feature: name, cohort: cohort, path: path, total: total, staleness: buckets,
                        points: features == 1 ? points : []))
                for (place, point) in points.enumerated() {
                    if sums[path] == nil { sums[path] = points.map { .init(at: $0.at, total: .init()) } }
                    sums[path]?[place].total.add(point.total)
                }
            }
        }
        report.paths = Ledger.Path.allCases.compactMap { path in sums[path].map { .init(path: path, points: $0) } }
        if hasOthers { addOthers(to: &report, sums) }
        return report
    }

    private func points(_ path: Ledger.Path, _ share: Double, seed: Int) -> [ComparisonReport.Point] {
        (0..<Int(length / step)).map { index in
            let at = until - length + Double(index) * step
            let hour = (at / 3600).truncatingRemainder(dividingBy: 24)
            let day = max(0.12, 1 - abs(hour - 13.5) / 11)
            let noise = 0.85 + 0.3 * Self.chance(index * 131 + seed * 7919)
            let present = clients * share * day * noise
            let changes = 0.05 * day * step
            var tally = ComparisonReport.Tally()
            tally.told = UInt64(present * changes)
            if path == .push {
                tally.requests = tally.told
                tally.bytesDown = tally.told * 318 + UInt64(present * step / 25) * 6
                tally.bytesUp = UInt64(present * step / 25) * 10
                tally.connectionSeconds = present * step
                tally.cpuSeconds = Double(tally.told) * 9e-6
                tally.reconnects = UInt64(present * 0.02)
            } else {
                tally.requests = UInt64(present * step / 3)
                tally.unchanged = tally.requests - min(tally.requests, tally.told)
                tally.bytesUp = tally.requests * 420
                let unchanged = path == .conditional ? 160 : 2_300
                tally.bytesDown = tally.unchanged * UInt64(unchanged) + (tally.requests - tally.unchanged) * 2_300
                if path == .poll { tally.bytesTagsWouldSave = tally.unchanged * 2_140 }
                tally.originRequests = tally.requests
                tally.errors = tally.requests / 20_000
                tally.cpuSeconds = Double(tally.requests) * 38e-6
            }
            return .init(at: at, total: tally)
        }
    }

    private func buckets(_ path: Ledger.Path, told: UInt64) -> [ComparisonReport.StalenessBucket] {
        let shares: [(Double, Double)] =
            path == .push
            ? [(0.001, 0.1), (0.002, 0.35), (0.004, 0.3), (0.008, 0.15), (0.016, 0.06), (0.064, 0.03), (0.5, 0.01)]
            : [
                (0.01, 0.003), (0.1, 0.03), (0.5, 0.13), (1, 0.167), (1.5, 0.167), (2, 0.167), (2.5, 0.166), (3, 0.15),
                (4, 0.015), (12, 0.005),
            ]
        return shares.map { .init(upTo: $0.0, count: UInt64(Double(told) * $0.1)) }
    }

    private func addOthers(to report: inout ComparisonReport, _ sums: [Ledger.Path: [ComparisonReport.Point]]) {
        let places = sums.values.first?.map(\.at) ?? []
        func usage(_ name: String, _ memory: UInt64, _ seconds: (Int) -> Double) -> ComparisonReport.ProcessUsage {
            let points = places.enumerated().map {
                ComparisonReport.ProcessUsage.Point(at: $0.element, cpuSeconds: seconds($0.offset))
            }
            return .init(
                name: name, cpuSeconds: points.reduce(0) { $0 + $1.cpuSeconds }, memory: memory, points: points)
        }
        report.processes = [
            usage("doorbell", 96 << 20) { index in sums.values.reduce(0.4) { $0 + $1[index].total.cpuSeconds } },
            usage("legacy API", 420 << 20) { index in
                sums.values.reduce(2) { $0 + Double($1[index].total.originRequests) * 1.3e-3 }
            },
        ]
        report.database = .init(transactions: 8_412_331, statements: 11_204_877)
        for path in Ledger.Path.allCases where sums[path] != nil {
            var usage = ComparisonReport.RadioUsage(path: path)
            for client in 0..<16 {
                var clock = RadioClock()
                var moment = Double(client)
                while moment < 3600 {
                    clock.transfer(at: moment)
                    moment += path == .push ? 25 : 3
                }
                usage.add(clock, until: 3600)
            }
            report.radio.append(usage)
        }
    }
}
