internal import DoorbellCore
internal import DoorbellReport

extension Assessment {
    /// As a page with plots: one file that needs nothing else.
    public func html(assumptions: Assumptions = Assumptions()) -> String {
        AssessmentPage(assessment: self, assumptions: assumptions).page.html
    }
}

/// Makes the page.
struct AssessmentPage {
    let assessment: Assessment
    let assumptions: Assumptions

    private var polled: [EndpointAssessment] { assessment.endpoints.filter(\.isPolled) }
    private var moved: [EndpointAssessment] { assessment.endpoints.filter(\.verdict.isWorthIt) }

    var page: Page {
        let hasTimes = assessment.endpoints.contains { $0.figures.answerTime != nil }
        return Page(
            title: "Who polls what",
            subtitle: assessment.files.map(\.name).prefix(3).joined(separator: ", ")
                + (assessment.files.count > 3 ? " and more" : "")
                + ", \(assessment.begin.rfc3339) to \(assessment.end.rfc3339)",
            cards: cards,
            sections: [load, endpoints] + (polled.isEmpty ? [] : [polls, periods]) + (moved.isEmpty ? [] : [forecast])
                + details,
            notes: assessment.notes + ["Assumed:"] + assumptions.texts(hasTimes: hasTimes))
    }

    private var cards: [Page.Card] {
        let polls = polled.reduce(0) { $0 + $1.figures.polls }
        let compared = polled.reduce(0) { $0 + $1.figures.compared }
        let unchanged = polled.reduce(0.0) { $0 + $1.figures.unchanged * Double($1.figures.compared) }
        var cards = [
            Page.Card(
                "Requests", figure: Figures.short(Double(assessment.requests)),
                text: "by about \(Format.count(assessment.clients)) clients in \(Format.seconds(assessment.duration))"),
            Page.Card(
                "Polls", figure: Figures.share(Double(polls) / Double(max(1, assessment.requests))),
                text: "of all requests"),
        ]
        if compared > 0 {
            cards.append(
                Page.Card(
                    "Polls with nothing new", figure: Figures.share(unchanged / Double(compared)), text: "an estimate"))
        }
        cards.append(
            Page.Card(
                "Worth moving", figure: "\(moved.count)", text: "of \(assessment.endpoints.count) endpoints"))
        let sums = assessment.sums
        if !moved.isEmpty, let now = sums.first?.cost, let after = sums.last?.cost, now.originRequests > 0 {
            cards.append(
                Page.Card(
                    "Their requests to the API", figure: Figures.share(after.originRequests / now.originRequests),
                    text: "of what they are now; an estimate"))
            cards.append(
                Page.Card(
                    "Their bytes to clients", figure: Figures.share(after.bytes / max(1, now.bytes)),
                    text: "of what they are now; an estimate"))
            if let prices = assumptions.prices {
                cards.append(
                    Page.Card(
                        "A month", figure: Figures.money(prices.month(after), prices.currency),
                        text: "instead of \(Figures.money(prices.month(now), prices.currency)); an estimate"))
            }
        }
        return cards
    }

    private var load: Page.Section {
        let width = Double(assessment.seriesWidth)
        let begin = Double(assessment.begin.seconds)
        let count = max(1, Int((assessment.duration / width).rounded(.up)))
        func points(_ bins: [Int]) -> [LinePlot.Point] {
            bins.prefix(count).enumerated().map {
                LinePlot.Point(begin + Double($0.offset) * width, Double($0.element) / width)
            }
        }
        var sum = [Int](repeating: 0, count: assessment.series.count)
        for endpoint in moved {
            for (index, bin) in endpoint.figures.series.enumerated() where index < sum.count { sum[index] += bin }
        }
        let plot = LinePlot(
            title: "Requests over time",
            description: "Requests a second over the time of the log, all of them and those that are worth moving.",
            x: Axis("Time (UTC)", .time, .time), y: Axis("Requests a second", .perSecond),
            series: [
                LinePlot.Series("All requests", .neutral, points: points(assessment.series)),
                LinePlot.Series("Worth moving", .before, points: points(sum)),
            ])
        return Page.Section(
            "Requests over time",
            content: [
                .figure(
                    plot.svg, legend: Legend([.init("All requests", .neutral), .init("Worth moving", .before)]),
                    caption: "At most \(Format.count(assessment.peakSecond)) requests in one second.")
            ])
    }

    private var endpoints: Page.Section {
        let shown = assessment.endpoints.prefix(60)
        let rows = shown.map { endpoint in
            let polls = endpoint.isPolled
            let figures = endpoint.figures
            return [
                endpoint.name, endpoint.verdict.advice.rawValue, endpoint.verdict.rule, Format.count(figures.requests),
                polls ? Format.count(figures.pollers) : "-", polls ? Format.seconds(figures.period) : "-",
                polls ? Format.percent(figures.jitter) : "-", polls ? Format.percent(figures.unchanged) : "-",
                polls ? Format.number(figures.fanIn) : "-", polls ? Format.seconds(figures.staleness) : "-",
                polls ? Format.seconds(figures.staleness95) : "-",
            ]
        }
        let more = assessment.endpoints.count - shown.count
        return Page.Section(
            "Endpoints",
            text: more > 0 ? ["The first \(shown.count); \(more) more have fewer requests."] : [],
            content: [
                .table(
                    FigureTable(
                        heads: [
                            "Endpoint", "Verdict", "Rule", "Requests", "Pollers", "Every", "Jitter", "Unchanged",
                            "Pollers of a URL", "Late, p50", "p95",
                        ], rows: rows, names: 3))
            ])
    }

    private var polls: Page.Section {
        let plot = BarPlot(
            title: "Polls by endpoint", description: "How many polls brought something and how many did not.",
            axis: Axis("Polls", .count),
            bars: polled.prefix(12).map { endpoint in
                let unchanged = Double(endpoint.figures.polls) * endpoint.figures.unchanged
                return BarPlot.Bar(
                    endpoint.name,
                    parts: [
                        BarPlot.Part("Nothing new", unchanged, .before),
                        BarPlot.Part("Something new", Double(endpoint.figures.polls) - unchanged, .after),
                    ])
            })
        return Page.Section(
            "What polls bring",
            content: [
                .figure(
                    plot.svg, legend: Legend([.init("Nothing new", .before), .init("Something new", .after)]),
                    caption: "Nothing new: 304, or the same status and size as the answer before. An estimate.")
            ])
    }

    private var periods: Page.Section {
        let shown = polled.filter { !$0.figures.periods.isEmpty }.prefix(5)
        let plot = DistributionPlot(
            title: "How often clients poll", description: "Share of the pollers whose period is at most so long.",
            x: Axis("Period of a poller", .seconds, .logarithmic), y: Axis("Share of the pollers", .share),
            series: shown.enumerated().map { index, endpoint in
                DistributionPlot.Series(
                    endpoint.name, Tint(index),
                    buckets: endpoint.figures.periods.map {
                        DistributionPlot.Bucket(upTo: $0.length, count: UInt64(max(0, $0.count)))
                    })
            })
        return Page.Section(
            "How often clients poll",
            content: [
                .figure(
                    plot.svg, legend: Legend(shown.enumerated().map { Legend.Entry($0.element.name, Tint($0.offset)) }),
                    caption: "The endpoints with most polls.")
            ])
    }

    private var forecast: Page.Section {
        let sums = assessment.sums
        let tints: [Tint] = [.before, .between, .after]
        func plot(_ title: String, _ axis: Axis, _ value: @escaping (Forecast.Cost) -> Double) -> Page.Content {
            let bars = zip(sums, tints).enumerated().map { index, pair in
                BarPlot.Bar(pair.0.name, value(pair.0.cost), pair.1, isEstimate: index > 0)
            }
            let texts = sums.map { "\($0.name) \(axis.unit.text(value($0.cost)))" }
            return .figure(
                BarPlot(
                    title: title, description: "\(title): \(texts.joined(separator: ", ")).", axis: axis, bars: bars
                ).svg, caption: title)
        }
        var content = [
            plot("Requests to the API", Axis("Requests a second", .perSecond)) { $0.originRequests },
            plot("Bytes to clients", Axis("Bytes a second", .bytesPerSecond)) { $0.bytes },
            plot("Processors", Axis("Processor seconds a second", .cores)) { $0.processors },
        ]
        if let prices = assumptions.prices {
            content.append(plot("Cost of a month", Axis(prices.currency, .money(prices.currency))) { prices.month($0) })
        }
        let connections = sums.last?.cost.connections ?? 0
        return Page.Section(
            "What it would cost (estimate)",
            text: [
                "The endpoints that are worth moving, together, each by the way that is advised for it. About \(Format.number(connections)) connections "
                    + "would be open at the same time."
            ], content: content)
    }

    /// Each endpoint's reasons and ways.
    private var details: [Page.Section] {
        polled.prefix(20).map { endpoint in
            let rows = (endpoint.forecast?.costs ?? []).map { way, cost in
                var row = [
                    way.rawValue + (way == endpoint.way ? " ←" : ""), Format.number(cost.requests),
                    Format.number(cost.originRequests),
                    Format.number(cost.messages), Figures.bytes(cost.bytes), Format.processors(cost.processors),
                    Format.number(cost.connections),
                ]
                if let prices = assumptions.prices { row.append(Figures.money(prices.month(cost), prices.currency)) }
                return row
            }
            let heads = ["", "Requests/s", "To the API/s", "Messages/s", "Bytes/s", "Processors", "Connections"]
            return Page.Section(
                "\(endpoint.name): \(endpoint.verdict.advice.rawValue)",
                text: endpoint.verdict.reasons + endpoint.remarks,
                content: [
                    .table(FigureTable(heads: heads + (assumptions.prices == nil ? [] : ["A month"]), rows: rows))
                ])
        }
    }
}
