import DoorbellReport
import DoorbellRollout

/// A ``SimulationReport`` as one file of HTML.
public enum SimulationPage {
    public static func html(_ report: SimulationReport) -> String { page(report).html }

    static func page(_ report: SimulationReport) -> Page {
        Page(
            title: "Polling against push", subtitle: "Simulated by Doorbell: " + report.heading + ".",
            cards: cards(report),
            sections: [
                Page.Section(
                    "In figures",
                    content: [
                        .table(FigureTable(heads: report.table.first ?? [], rows: Array(report.table.dropFirst())))
                    ]),
                bytes(report), processors(report), staleness(report), cost(report),
            ], notes: report.notes)
    }

    /// Polling first, push last.
    private static func cards(_ report: SimulationReport) -> [Page.Card] {
        guard let polling = report.phases.first, let push = report.phases.last, push.isPush else { return [] }
        func card(_ name: String, _ words: Ratio.Words, _ value: (PhaseResult) -> Double?) -> Page.Card? {
            guard let before = value(polling), let after = value(push) else { return nil }
            return Page.Card(
                name, figure: Ratio(polling: before, push: after, words: words).text,
                text: "than polling, for the same changes")
        }
        return [
            card("Requests, or messages", .fewer) { Double($0.requests) },
            card("Bytes to clients", .less) { Double($0.bytesDown) },
            card("Processor time of the servers", .less) { $0.serverSeconds },
            card("Clients know, 95 of 100", .sooner) { $0.staleness?.p95 },
        ].compactMap { $0 }
    }

    private static func tint(_ phase: PhaseResult, _ index: Int) -> Tint {
        phase.isPush ? .after : [Tint.before, .between, .waiting][min(index, 2)]
    }

    private static func bars(
        _ report: SimulationReport, _ heading: String, axis: Axis, caption: String, isEstimate: Bool = false,
        _ value: (PhaseResult) -> Double
    ) -> Page.Section {
        let plot = BarPlot(
            title: heading,
            description: report.phases.map { "\($0.name): \(axis.unit.text(value($0)))." }.joined(separator: " "),
            axis: axis,
            bars: report.phases.enumerated().map { index, phase in
                BarPlot.Bar(phase.name, value(phase), tint(phase, index), isEstimate: isEstimate)
            })
        return Page.Section(heading, content: [.figure(plot.svg, caption: caption)])
    }

    private static func bytes(_ report: SimulationReport) -> Page.Section {
        bars(
            report, "Bytes to clients", axis: Axis("To clients, bytes a second", .bytesPerSecond),
            caption: "What the clients' sockets took, without the headers of TCP and IP. Less is better."
        ) { $0.seconds > 0 ? Double($0.bytesDown) / $0.seconds : 0 }
    }

    private static func cost(_ report: SimulationReport) -> Page.Section {
        bars(
            report, "Cost, estimated", axis: Axis("A month", .money(Prices().currency)),
            caption: "By the default prices of doorbell compare, for a month like the measured time. Less is better.",
            isEstimate: true
        ) { $0.month() }
    }

    private static func processors(_ report: SimulationReport) -> Page.Section {
        let tints: [(name: String, tint: Tint)] = [
            ("legacy API", .before), ("PostgreSQL", .other), ("Doorbell", .after),
        ]
        let plot = BarPlot(
            title: "Processor time of the servers",
            description: report.phases.map { "\($0.name): \(Figures.digits($0.serverSeconds)) s." }.joined(
                separator: " "),
            axis: Axis("Processors in use", .cores),
            bars: report.phases.map { phase in
                BarPlot.Bar(
                    phase.name,
                    parts: tints.compactMap { name, tint in
                        phase.usage(of: name).map {
                            BarPlot.Part(name, phase.seconds > 0 ? $0.cpuSeconds / phase.seconds : 0, tint)
                        }
                    })
            })
        return Page.Section(
            "Processor time of the servers",
            content: [
                .figure(
                    plot.svg, legend: Legend(tints.map { Legend.Entry($0.name, $0.tint) }),
                    caption: "Of each process in the measured time. The load generator is left out.")
            ])
    }

    private static func staleness(_ report: SimulationReport) -> Page.Section {
        let shown = report.phases.enumerated().filter { !$0.element.stalenessBuckets.isEmpty }
        let plot = DistributionPlot(
            title: "How late clients saw a change",
            description: shown.compactMap { _, phase in
                phase.staleness.map {
                    "\(phase.name): half within \(Figures.duration($0.p50)), 99 of 100 within \(Figures.duration($0.p99))."
                }
            }.joined(separator: " "),
            x: Axis("From the commit of a change until its client saw it", .seconds, .logarithmic),
            y: Axis("Share of the changes", .share),
            series: shown.map { index, phase in
                DistributionPlot.Series(
                    phase.name, tint(phase, index),
                    buckets: phase.stalenessBuckets.map { DistributionPlot.Bucket(upTo: $0.upTo, count: $0.count) })
            })
        return Page.Section(
            "How late clients saw a change",
            content: [
                .figure(
                    plot.svg, legend: Legend(shown.map { Legend.Entry($0.element.name, tint($0.element, $0.offset)) }),
                    caption: "Further left is better.")
            ])
    }
}
