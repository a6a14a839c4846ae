internal import DoorbellReport

/// The few figures that are looked at first.
extension ComparisonPage {
    var cards: [Page.Card] {
        let ratios = summary.compared.isEmpty ? polling : [bytes, requestsBehind]
        return (ratios + [late, month, phone]).compactMap { $0 }
    }

    /// While there is nothing to compare with.
    private var polling: [Page.Card?] {
        guard let polls = summary.column(.polls)?.total, polls.requests > 0 else { return [] }
        let unchanged = Page.Card(
            "Polls with nothing new", figure: Figures.share(Double(polls.unchanged) / Double(polls.requests)),
            text: "of \(Figures.count(polls.requests))")
        guard polls.bytesDown > 0, let tagged = summary.column(.tagged)?.total else { return [unchanged] }
        let share = Double(tagged.bytesDown) / Double(polls.bytesDown)
        return [
            unchanged,
            Page.Card(
                "Bytes to clients, with ETags", figure: Figures.share(share),
                text: "of what the polls brought; an estimate"),
        ]
    }

    private var bytes: Page.Card? {
        guard let ratio = summary.ratio({ Double($0.bytesDown) }) else { return nil }
        let tags =
            summary.tagRatio { Double($0.bytesDown) }.map { ", with ETags \(Figures.share($0)) (estimate)" } ?? ""
        return Page.Card(
            "Bytes to clients", figure: Figures.share(ratio), text: "of polling, for the same changes\(tags)")
    }

    private var requestsBehind: Page.Card? {
        summary.ratio { Double($0.originRequests) }.map {
            Page.Card("Requests to the legacy API", figure: Figures.share($0), text: "of polling, for the same changes")
        }
    }

    private var late: Page.Card? {
        let polls = summary.column(.polls)?.percentiles?.p95
        let name = "Told after, 95 of 100"
        if let push = summary.column(.push)?.percentiles?.p95 {
            let text = polls.map { "polling \(Figures.duration($0))" } ?? "nothing was polled"
            return Page.Card(name, figure: Figures.duration(push), text: text)
        }
        return polls.map { Page.Card(name, figure: Figures.duration($0), text: "by polling; nothing was pushed") }
    }

    private var month: Page.Card? {
        guard let push = summary.column(.push)?.month, let polls = summary.column(.polls)?.month else { return nil }
        return Page.Card(
            "A month for everybody", figure: Figures.money(push.total, prices.currency),
            text: "polling \(Figures.money(polls.total, prices.currency)); estimates")
    }

    private var phone: Page.Card? {
        let shares = RadioShare.all(report, summary: summary)
        guard let push = shares.first(where: { $0.way == .push }), let polls = shares.first(where: { $0.way == .polls })
        else { return nil }
        return Page.Card(
            "Radio of a phone", figure: Figures.share(push.always),
            text: "of the time on; polling \(Figures.share(polls.always)); estimates")
    }
}
