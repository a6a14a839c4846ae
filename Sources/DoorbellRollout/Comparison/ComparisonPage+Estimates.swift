internal import DoorbellReport

/// Money and battery: what is made of the measured by prices and models.
extension ComparisonPage {
    var cost: Page.Section {
        let isMonth = summary.columns.contains { $0.month != nil }
        let shown = summary.columns.compactMap { column in
            (isMonth ? column.month : ways.contains(column.way) ? column.cost : nil).map { (column.way, $0) }
        }
        let unit = Unit.money(prices.currency)
        let names = ["Requests and messages", "Traffic", "Open connections", "Processor of Doorbell"]
        let tints: [Tint] = [.neutral, .other, .waiting, .between]
        let plot = BarPlot(
            title: "Cost",
            description: "Estimated cost. " + sentence(shown.map { (Self.name($0.0), $0.1.total) }, unit),
            axis: Axis(
                isMonth
                    ? "\(prices.currency) a month, estimated"
                    : "\(prices.currency) for \(Figures.duration(summary.length)), estimated", unit),
            bars: shown.map { way, cost in
                BarPlot.Bar(
                    Self.name(way), isEstimate: way == .tagged,
                    parts: zip(zip(names, tints), [cost.requests, cost.traffic, cost.connections, cost.cpu]).map {
                        BarPlot.Part($0.0, $1, $0.1)
                    })
            })
        let table = FigureTable(
            heads: [""] + names.map { $0 } + ["Sum"],
            rows: shown.map { way, cost in
                [Self.name(way)]
                    + [cost.requests, cost.traffic, cost.connections, cost.cpu, cost.total].map {
                        Figures.money($0, prices.currency)
                    }
            })
        return Page.Section(
            "Cost (estimate)", text: [projection(isMonth), priceList],
            content: [
                .figure(
                    plot.svg, legend: Legend(zip(names, tints).map { Legend.Entry($0, $1) }),
                    caption: "Estimated cost, by what it is for."),
                .table(table),
            ])
    }

    var radio: Page.Section? {
        let shares = RadioShare.all(report, summary: summary)
        guard !shares.isEmpty else { return nil }
        let plot = BarPlot(
            title: "Radio of a phone",
            description: "Estimated share of the time with the radio on. "
                + sentence(shares.map { (Self.name($0.way), $0.always) }, .share),
            axis: Axis("Of the time with the radio on, estimated", .share),
            bars: shares.map { BarPlot.Bar(Self.name($0.way), $0.always, Self.tint($0.way)) })
        let table = FigureTable(
            heads: ["", "Clients", "On, of all time", "In the foreground", "Joule an hour"],
            rows: shares.map {
                [
                    Self.name($0.way), Figures.count(UInt64(max(0, $0.clients))), Figures.share($0.always),
                    $0.foreground.map { Figures.share($0) } ?? "-",
                    Figures.decimal($0.joulesPerHour, places: 0),
                ]
            })
        return Page.Section(
            "Radio and battery (estimate)",
            text: [radioModel],
            content: [
                .figure(
                    plot.svg, caption: "Less is better: the radio is among the dearest things on a phone.", table: table
                )
            ])
    }

    private func projection(_ isMonth: Bool) -> String {
        guard isMonth else {
            return "What this time cost. There is no projection, because nothing was both polled and pushed."
        }
        let which = summary.compared.count == 1 ? "feature that was" : "\(summary.compared.count) features that were"
        return
            "What 30 days like this time would cost, had every client of the \(which) both polled and pushed been told this way."
    }

    private var priceList: String {
        func price(_ amount: Double) -> String { "\(prices.currency) \(Figures.plain(amount, places: 5))" }
        return """
            Prices: a million requests or messages \(price(prices.requests)), a gigabyte to clients \(price(prices.traffic)), a million minutes of \
            open connections \(price(prices.connections)), an hour of a processor \(price(prices.cpu)). They are set under comparison.prices. The \
            processors of the legacy API are left out, because nobody can tell what else they do; so polling is shown cheaper than it is.
            """
    }

    private var radioModel: String {
        let model = RadioModel.lte
        return """
            For the moments at which a sample of clients really sent and received since the service was started: how long the radio of a phone would have been on, had each client been on an LTE \
            phone with nothing else to do. It takes \(Figures.duration(model.promotion)) to connect and listens for \(Figures.duration(model.tail)) after \
            the last transfer (Huang et al., MobiSys 2012). In the foreground: of the time in which the client was never silent for longer than \
            \(Figures.plain(RadioClock.foregroundGap, places: 1)) s.
            """
    }
}
