internal import DoorbellReport

/// What was measured.
extension ComparisonPage {
    var deployment: Page.Section {
        Page.Section(
            "What is deployed",
            content: [
                .figure(
                    DeploymentPicture.svg(report, summary),
                    caption: "Clients, Doorbell and what is behind it, with the traffic of this time.")
            ])
    }

    var figures: Page.Section {
        Page.Section(
            "In figures",
            content: [
                .table(
                    FigureTable(
                        heads: [""]
                            + summary.columns.map { Self.name($0.way) + ($0.way == .tagged ? " (estimate)" : "") } + [
                                "Push / polling"
                            ],
                        rows: summary.rows(report).map {
                            [$0.name.replacing("(est.)", with: "(estimate)")] + $0.cells + [$0.ratio]
                        }))
            ])
    }

    var bandwidth: Page.Section {
        overTime(
            "Bandwidth", y: Axis("To clients, bytes a second", .bytesPerSecond), ways: ways,
            description: "Bytes a second to clients over the time", note: mixture
        ) { Double($0.bytesDown) }
    }

    var requests: Page.Section {
        overTime(
            "Requests and messages", y: Axis("Polls or messages a second", .perSecond),
            ways: ways.filter { $0 != .tagged },
            description: "Polls answered and messages pushed a second over the time", note: mixture
        ) { Double($0.requests) }
    }

    var origin: Page.Section {
        var section = overTime(
            "Load of the legacy API", y: Axis("Requests a second", .perSecond), ways: ways.filter { $0 != .tagged },
            description: "Requests a second to the legacy API over the time"
        ) { Double($0.originRequests) }
        if let database = report.database {
            let statements = database.statements.map { " and \(Figures.count($0)) statements" } ?? ""
            section.content.append(
                .text(
                    "The database counted \(Figures.count(database.transactions)) transactions\(statements) in this time, of all its clients."
                ))
        }
        return section
    }

    /// A plot of rates with means, peaks and sums beside it.
    func overTime(
        _ heading: String, y: Axis, ways: [ComparisonSummary.Way], description: String, note: String = "",
        _ value: (ComparisonReport.Tally) -> Double
    ) -> Page.Section {
        let shown = ways.map { ($0, series.rates($0, value)) }
        let plot = LinePlot(
            title: heading,
            description: description + ". " + sentence(shown.map { (Self.name($0.0), mean($0.1)) }, y.unit),
            x: Axis("Time (UTC)", .time, .time), y: y,
            series: shown.filter { series.has($0.0) }.map {
                LinePlot.Series(Self.name($0.0), Self.tint($0.0), isEstimate: $0.0 == .tagged, points: $0.1)
            })
        let table = FigureTable(
            heads: ["", "Mean", "Peak"],
            rows: shown.map { way, points in
                [
                    Self.name(way) + (way == .tagged ? " (estimate)" : ""), y.unit.text(mean(points)),
                    y.unit.text(points.map(\.y).max() ?? .nan),
                ]
            })
        return Page.Section(
            heading, content: [.figure(plot.svg, legend: legend(ways), caption: description + "." + note, table: table)]
        )
    }

    /// Sums are of groups of different sizes.
    var mixture: String {
        let told = summary.columns.filter { $0.way != .tagged }.reduce(0) { $0 + Double($1.total.told) }
        guard told > 0, let push = summary.column(.push)?.total.told, push > 0, Double(push) < told else { return "" }
        return
            " Of all that was told, \(Figures.share(Double(push) / told)) was pushed: the lines are of groups of different sizes."
    }

    var staleness: Page.Section {
        let shown = summary.columns.filter { $0.way != .tagged && !$0.staleness.isEmpty }
        let plot = DistributionPlot(
            title: "How late clients are told",
            description: "Share of the changes that were told within a time. "
                + shown.compactMap { column in
                    column.percentiles.map {
                        "\(Self.name(column.way)): half within \(Figures.duration($0.p50)), 99 of 100 within \(Figures.duration($0.p99))."
                    }
                }
                .joined(separator: " "),
            x: Axis("From the commit of a change until a client was told", .seconds, .logarithmic),
            y: Axis("Share of what was told", .share),
            series: shown.map { column in
                DistributionPlot.Series(
                    Self.name(column.way), Self.tint(column.way),
                    buckets: column.staleness.map { DistributionPlot.Bucket(upTo: $0.upTo, count: $0.count) })
            })
        let table = FigureTable(
            heads: ["", "p50", "p95", "p99", "Longest"],
            rows: shown.map { column in
                let times = column.percentiles.map { [$0.p50, $0.p95, $0.p99] } ?? [.nan, .nan, .nan]
                return [Self.name(column.way)]
                    + (times + [column.staleness.last { $0.count > 0 }?.upTo ?? .nan]).map {
                        $0.isFinite ? Figures.duration($0) : "-"
                    }
            })
        return Page.Section(
            "How late clients are told",
            content: [
                .figure(
                    plot.svg, legend: legend(shown.map(\.way)),
                    caption:
                        "For polls, a change counts as told with the first poll that showed it. Further left is better.",
                    table: table)
            ])
    }

    var processors: Page.Section? {
        guard !report.processes.isEmpty else { return nil }
        let tints: [Tint] = [.after, .before, .other, .neutral]
        let processes = report.processes.prefix(4).enumerated().map { ($0.element, tints[$0.offset]) }
        let plot = LinePlot(
            title: "Processors",
            description: "Processors in use over the time. "
                + sentence(processes.map { ($0.0.name, cores($0.0)) }, .cores),
            x: Axis("Time (UTC)", .time, .time), y: Axis("Processors in use", .cores),
            series: processes.filter { !$0.0.points.isEmpty }.map {
                LinePlot.Series($0.0.name, $0.1, points: series.rates($0.0))
            })
        let table = FigureTable(
            heads: ["", "Processors", "Processor time", "Memory now"],
            rows: report.processes.map {
                [
                    $0.name, Unit.cores.text(cores($0)), $0.cpuSeconds.map { Figures.duration($0) } ?? "-",
                    $0.memory.map { Figures.bytes($0) } ?? "-",
                ]
            })
        return Page.Section(
            "Processors and memory",
            content: [
                .figure(
                    plot.svg, legend: Legend(processes.map { Legend.Entry($0.0.name, $0.1) }),
                    caption: "Whole processes, whatever they do besides.", table: table)
            ])
    }

    func cores(_ process: ComparisonReport.ProcessUsage) -> Double {
        guard let seconds = process.cpuSeconds, summary.length > 0 else { return .nan }
        return seconds / summary.length
    }
}
