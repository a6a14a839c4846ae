public import DoorbellReport

/// A ``ComparisonReport`` as one file of HTML.
public struct ComparisonPage {
    let report: ComparisonReport
    let summary: ComparisonSummary
    let series: ComparisonSeries
    let feature: String?
    let prices: Prices

    /// The whole file.
    ///
    /// - Parameter feature: That one only, whose lines have to have points; `nil`: all.
    public static func html(_ report: ComparisonReport, feature: String? = nil, prices: Prices = Prices()) -> String {
        page(report, feature: feature, prices: prices).html
    }

    /// The same before it is written, for those who add to it.
    public static func page(_ report: ComparisonReport, feature: String? = nil, prices: Prices = Prices()) -> Page {
        ComparisonPage(
            report: report, summary: ComparisonSummary(report, feature: feature, prices: prices),
            series: ComparisonSeries(report, feature: feature),
            feature: feature, prices: prices
        ).page
    }

    private var page: Page {
        Page(
            title: "Polling against push" + (feature.map { ": \($0)" } ?? ""),
            subtitle:
                "Measured by Doorbell from \(Moment.text(report.from)) to \(Moment.text(report.until)) UTC, \(Figures.duration(summary.length)).",
            cards: cards, sections: sections,
            notes: report.notes(summary, feature: feature) + [
                """
                Bytes are those of requests, answers, messages and their heads and frames, without TLS, TCP and IP. Whatever is not called an estimate was \
                counted.
                """
            ])
    }

    private var sections: [Page.Section] {
        guard !summary.isEmpty else {
            return [
                deployment,
                Page.Section(
                    "Nothing was counted yet",
                    text: [
                        "Polls count as soon as they pass Doorbell, messages as soon as clients are told to use push."
                    ], content: []),
            ]
        }
        return [deployment, figures, bandwidth, requests, staleness, origin, processors, cost, radio].compactMap { $0 }
            + features
    }

    // MARK: Names and colours

    static func tint(_ way: ComparisonSummary.Way) -> Tint {
        switch way {
        case .polls: .before
        case .tagged: .between
        case .held: .waiting
        case .push: .after
        }
    }

    static func name(_ way: ComparisonSummary.Way) -> String {
        switch way {
        case .polls: "Polling"
        case .tagged: "With ETags"
        case .held: "Held polls"
        case .push: "Push"
        }
    }

    /// Those with anything to show; tags need polls.
    var ways: [ComparisonSummary.Way] {
        ComparisonSummary.Way.allCases.filter { way in
            let column = summary.column(way == .tagged ? .polls : way)
            return (column?.total.requests ?? 0) > 0 || (column?.total.connectionSeconds ?? 0) > 0
        }
    }

    func legend(_ ways: [ComparisonSummary.Way]) -> Legend {
        Legend(
            ways.map {
                Legend.Entry(
                    Self.name($0) + ($0 == .tagged ? " (estimate)" : ""), Self.tint($0), isEstimate: $0 == .tagged)
            })
    }

    // MARK: Words

    func mean(_ points: [LinePlot.Point]) -> Double {
        points.isEmpty ? .nan : points.reduce(0) { $0 + $1.y } / Double(points.count)
    }

    func sentence(_ values: [(String, Double)], _ unit: Unit) -> String {
        values.map { "\($0.0): \(unit.text($0.1)) on average." }.joined(separator: " ")
    }
}
