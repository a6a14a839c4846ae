internal import DoorbellReport

/// Feature by feature.
extension ComparisonPage {
    var features: [Page.Section] {
        if let feature {
            return [
                Page.Section(
                    "By cohort",
                    content: [
                        .table(
                            FigureTable(heads: ComparisonReport.cohortHeads, rows: report.cohortRows(feature), names: 2)
                        )
                    ])
            ]
        }
        guard !report.features.isEmpty else { return [] }
        let bytes = report.features.map { feature in
            let lines = report.lines.filter { $0.feature == feature.name }
            func sum(_ ways: [ComparisonSummary.Way]) -> Double {
                lines.filter { line in ways.contains { $0.has(line.path) } }.reduce(0) {
                    $0 + Double($1.total.bytesDown)
                }
            }
            return (name: feature.name, polls: sum([.polls, .held]), push: sum([.push]))
        }
        let largest = bytes.sorted { $0.polls + $0.push > $1.polls + $1.push }.prefix(12)
        let plot = BarPlot(
            title: "Bytes to clients by feature", description: "The features with most bytes to clients.",
            axis: Axis("Bytes to clients", .bytes),
            bars: largest.map {
                BarPlot.Bar(
                    $0.name, parts: [BarPlot.Part("Polls", $0.polls, .before), BarPlot.Part("Push", $0.push, .after)])
            })
        let caption =
            report.features.count > largest.count
            ? "The \(largest.count) of \(report.features.count) features with most bytes." : "Bytes of each feature."
        let table = FigureTable(
            heads: [
                "Feature", "Stage", "Polls", "Nothing new", "Bytes", "Told after (p95)", "Messages", "Bytes",
                "Told after (p95)", "Bytes, push / polling",
            ], rows: report.featureRows(prices), names: 2)
        return [
            Page.Section(
                "Features",
                content: [
                    .figure(
                        plot.svg, legend: Legend([.init("Polls", .before), .init("Push", .after)]), caption: caption),
                    .table(table),
                ])
        ]
    }
}
