internal import DoorbellCore
internal import DoorbellReport

extension Assessment {
    /// As a table for a terminal, with the reasons and what each way would cost.
    ///
    /// - Parameters:
    ///   - limit: How many endpoints are listed that nobody polls.
    public func text(limit: Int = 10, assumptions: Assumptions = Assumptions()) -> String {
        var text = summary
        let polled = endpoints.filter(\.isPolled)
        let others = endpoints.filter { !$0.isPolled }
        if !endpoints.isEmpty {
            text += "\n" + TextTable.text([Self.heads] + (polled + others.prefix(limit)).map(\.cells), names: 2)
        }
        if others.count > limit {
            text += "and \(Format.count(others.count - limit)) more that nobody polls (--all lists them)\n"
        }
        for endpoint in polled { text += "\n" + endpoint.explanation }
        if endpoints.contains(where: \.verdict.isWorthIt) { text += "\n" + total(assumptions.prices) }
        text += replayTable
        if !notes.isEmpty { text += "\nnotes\n" + notes.map { "  \($0)\n" }.joined() }
        if endpoints.contains(where: { $0.forecast != nil }) {
            let hasTimes = endpoints.contains { $0.figures.answerTime != nil }
            text += "\nassumed\n" + assumptions.texts(hasTimes: hasTimes).map { "  \($0)\n" }.joined()
        }
        return text
    }

    private var summary: String {
        let names = files.map { "\($0.name) (\($0.format))" }
        let list =
            names.count <= 4
            ? names.joined(separator: ", ") : names.prefix(3).joined(separator: ", ") + " and \(names.count - 3) more"
        var text = "\(list)\n\(begin.rfc3339) to \(end.rfc3339), \(Format.seconds(duration))\n"
        text +=
            "\(Format.count(requests, "request")) by about \(Format.count(clients, "client")), \(Figures.bytes(Double(bytes))) sent, "
        text += isInOrder ? "at most \(Format.count(peakSecond, "request")) in a second\n" : "not in order of time\n"
        if noRequests > 0 {
            text +=
                "\(Format.count(noRequests, "line")) \(noRequests == 1 ? "has" : "have") no request in \(noRequests == 1 ? "it" : "them")\n"
        }
        if badLines > 0 {
            text += "\(Format.count(badLines)) of \(Format.count(lines)) lines could not be read and are not counted\n"
            for sample in badSamples {
                text += "  \(sample.file):\(sample.line): \(sample.reason): \(Self.printable(sample.text))\n"
            }
        }
        return text
    }

    /// Logs hold what anybody has sent: nothing of it may act on a terminal.
    static func printable(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars.prefix(120) {
            if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
                safe += "·"
            } else {
                safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }

    private static var heads: [String] {
        [
            "verdict", "endpoint", "requests", "peak/s", "pollers", "every", "jitter", "regular", "hidden", "unchanged",
            "fan-in", "late p50",
            "p95",
        ]
    }

    /// What the changes that really happened make of it.
    private var replayTable: String {
        let replayed = endpoints.filter(\.isPolled).compactMap { endpoint in endpoint.replay.map { (endpoint.name, $0) }
        }
        guard !replayed.isEmpty else { return "" }
        let heads = [
            "replayed with the changes", "polls", "brought a change", "bytes", "late p50", "p95", "p99",
            "messages of push", "bytes",
        ]
        let rows = replayed.map { name, replay in
            [
                name, Format.count(replay.polls), Format.percent(replay.needed, of: replay.polls),
                Figures.bytes(replay.pollBytes),
                Format.seconds(replay.staleness), Format.seconds(replay.staleness95),
                Format.seconds(replay.staleness99),
                Format.count(replay.messages), Figures.bytes(replay.messageBytes),
            ]
        }
        return "\n" + TextTable.text([heads] + rows, names: 1)
    }

    private func total(_ prices: ForecastPrices?) -> String {
        var rows = [["all that are worth it", "requests/s", "to the API/s", "bytes/s", "processors", "connections"]]
        if let prices { rows[0].append("\(prices.currency) a month") }
        for (name, cost) in sums {
            rows.append([
                name, Format.number(cost.requests), Format.number(cost.originRequests), Figures.bytes(cost.bytes),
                Format.processors(cost.processors),
                cost.connections > 0 ? Format.number(cost.connections) : "-",
            ])
            if let prices { rows[rows.count - 1].append(Figures.decimal(prices.month(cost), places: 2)) }
        }
        return TextTable.text(rows, names: 1)
    }

    /// What all endpoints that are worth it cost together: as they are, with tags, and by the way that is advised for each.
    var sums: [(name: String, cost: Forecast.Cost)] {
        let moved = endpoints.filter(\.verdict.isWorthIt)
        func sum(_ way: (EndpointAssessment) -> Forecast.Way) -> Forecast.Cost {
            moved.reduce(Forecast.Cost()) { sum, endpoint in endpoint.forecast.map { sum + $0[way(endpoint)] } ?? sum }
        }
        return [
            ("as they are", sum { _ in .now }), ("with ETags", sum { _ in .conditional }),
            ("moved as advised", sum(\.way)),
        ]
    }
}

extension EndpointAssessment {
    /// Whether there is something to say of it.
    var isPolled: Bool { verdict.isWorthIt || (figures.polls > 0 && figures.pollShare >= 0.2) }

    /// The way that the verdict advises.
    var way: Forecast.Way {
        switch verdict.advice {
        case .push: .push
        case .sse: .sse
        case .longPoll: .longPoll
        case .conditionalPoll, .slowerPolling: .conditional
        case .leaveAlone: .now
        }
    }

    var name: String { Assessment.printable("\(figures.method) \(figures.route)") }

    var cells: [String] {
        let polls = isPolled
        return [
            verdict.advice.rawValue, name, Format.count(figures.requests), Format.count(figures.peakSecond),
            polls ? Format.count(figures.pollers) : "-", polls ? Format.seconds(figures.period) : "-",
            polls ? Format.percent(figures.jitter) : "-", polls ? Format.percent(figures.regularity) : "-",
            polls ? Format.percent(figures.background) : "-",
            polls ? Format.percent(figures.unchanged) : "-", polls ? Format.number(figures.fanIn) : "-",
            polls ? Format.seconds(figures.staleness) : "-", polls ? Format.seconds(figures.staleness95) : "-",
        ]
    }

    /// The verdict with its reasons, and the ways.
    var explanation: String {
        var text = "\(name): \(verdict.advice.rawValue) (\(verdict.rule))\n"
        for reason in verdict.reasons { text += "  \(reason)\n" }
        for remark in remarks { text += "  \(remark)\n" }
        guard let forecast, figures.method == "GET" || figures.method == "HEAD" else { return text }
        var rows = [
            ["  ", "requests/s", "to the API/s", "messages/s", "bytes/s", "processors", "connections", "late p50"]
        ]
        for (way, cost) in forecast.costs {
            rows.append([
                "  " + way.rawValue + (way == self.way ? " ←" : ""), Format.number(cost.requests),
                Format.number(cost.originRequests),
                cost.messages > 0 || cost.connections > 0 ? Format.number(cost.messages) : "-",
                Figures.bytes(cost.bytes),
                Format.processors(cost.processors),
                cost.connections > 0 ? Format.number(cost.connections) : "-",
                cost.staleness == 0 ? "at once" : Format.seconds(cost.staleness),
            ])
        }
        return text + TextTable.text(rows, names: 1)
    }

    var remarks: [String] {
        var texts: [String] = []
        if figures.sharedPairs > 0 {
            let addresses = figures.sharedPairs == 1 ? "1 address has" : "\(figures.sharedPairs) addresses have"
            texts.append("\(addresses) several clients with the same agent behind them, told apart by their rhythm")
        }
        if figures.crowds > 0 {
            texts.append(
                "even streams of requests from \(figures.crowds) address\(figures.crowds == 1 ? "" : "es"), of more clients than can be told apart; "
                    + "they are not among the pollers")
        }
        if figures.background >= 0.01 {
            texts.append(
                "\(Format.percent(figures.background)) of the polls come from tabs in the background, once a minute")
        }
        if !figures.query.isEmpty {
            let keys = figures.query.map { Assessment.printable("\($0.name)=\($0.value)") }
            texts.append("query: " + keys.joined(separator: "&"))
        }
        return texts
    }
}
