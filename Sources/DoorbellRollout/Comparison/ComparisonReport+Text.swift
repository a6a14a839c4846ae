internal import DoorbellCore
internal import DoorbellReport

extension ComparisonReport {
    /// The comparison as aligned text without colours; ends with a newline.
    ///
    /// - Parameter feature: That one only, with its cohorts; `nil`: all.
    public func text(feature: String? = nil, prices: Prices = Prices()) -> String {
        let summary = ComparisonSummary(self, feature: feature, prices: prices)
        let what = feature.map { " of \($0)" } ?? ""
        var text =
            "Polling against push\(what), \(Figures.duration(summary.length)) until \(Moment.text(until)) UTC\n\n"
        guard !summary.isEmpty else {
            return text + (trouble ?? "Nothing was counted yet.") + "\n"
        }
        let heads = [""] + summary.columns.map { summary.head($0.way) } + ["push/polling"]
        text += TextTable.text([heads] + summary.rows(self).map { [$0.name] + $0.cells + [$0.ratio] }, names: 1)
        text += "\n" + (feature.map { cohorts($0) } ?? table(prices)) + "\n"
        if feature == nil { text += usage }
        for note in notes(summary, feature: feature) { text += note + "\n" }
        return text
    }

    /// Of whole processes, whatever they do besides.
    private var usage: String {
        var lines = processes.map { process in
            let parts = [
                process.cpuSeconds.map { "\(Figures.duration($0)) of processor time" },
                process.memory.map { "\(Figures.bytes($0)) of memory now" },
            ]
            return "\(process.name): \(parts.compactMap(\.self).joined(separator: ", "))"
        }
        if let database {
            let statements = database.statements.map { ", \(Figures.count($0)) statements" } ?? ""
            lines.append(
                "the database: \(Figures.count(database.transactions)) transactions\(statements), of all its clients")
        }
        return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n\n"
    }

    /// One row a feature.
    private func table(_ prices: Prices) -> String {
        let heads = [
            "feature", "stage", "polls", "nothing new", "bytes", "p95", "messages", "bytes", "p95",
            "bytes, push/polling",
        ]
        return TextTable.text([heads] + featureRows(prices), names: 2)
    }

    /// Name, stage, then figures of polls, of push, and the ratio of bytes.
    func featureRows(_ prices: Prices) -> [[String]] {
        features.map { feature in
            let summary = ComparisonSummary(self, feature: feature.name, prices: prices)
            let polls = summary.column(.polls)
            let push = summary.column(.push)
            let requests = polls?.total.requests ?? 0
            return [
                feature.name,
                feature.stage + (feature.stage == "canary" ? " \(Figures.plain(feature.percent, places: 2)) %" : ""),
                Figures.count(requests),
                requests == 0 ? "-" : Figures.share(Double(polls?.total.unchanged ?? 0) / Double(requests)),
                Figures.bytes(polls?.total.bytesDown ?? 0), polls?.percentiles.map { Figures.duration($0.p95) } ?? "-",
                Figures.count(push?.total.requests ?? 0), Figures.bytes(push?.total.bytesDown ?? 0),
                push?.percentiles.map { Figures.duration($0.p95) } ?? "-",
                summary.ratio { Double($0.bytesDown) }.map { Figures.share($0) } ?? "-",
            ]
        }
    }

    /// Of one feature, a row for each cohort and path.
    private func cohorts(_ feature: String) -> String {
        TextTable.text([Self.cohortHeads] + cohortRows(feature), names: 2)
    }

    static let cohortHeads = [
        "cohort", "path", "requests", "nothing new", "failed", "up", "down", "to legacy", "told", "p50", "p95", "p99",
        "open", "lost", "behind",
    ]

    func cohortRows(_ feature: String) -> [[String]] {
        let length = until - from
        return lines.filter { $0.feature == feature }.map { line in
            let total = line.total
            let isPush = line.path == .push
            return [
                line.cohort.rawValue, line.path.rawValue, Figures.count(total.requests),
                isPush || total.requests == 0 ? "-" : Figures.share(Double(total.unchanged) / Double(total.requests)),
                isPush ? "-" : Figures.count(total.errors), Figures.bytes(total.bytesUp),
                Figures.bytes(total.bytesDown),
                Figures.count(total.originRequests), Figures.count(total.told),
                total.staleness.map { Figures.duration($0.p50) } ?? "-",
                total.staleness.map { Figures.duration($0.p95) } ?? "-",
                total.staleness.map { Figures.duration($0.p99) } ?? "-",
                isPush && length > 0 ? Figures.decimal(total.connectionSeconds / length, places: 1) : "-",
                isPush ? Figures.count(total.reconnects) : "-",
                isPush ? Figures.count(total.buffers.behind) : "-",
            ]
        }
    }

    /// What a reader has to know of the figures.
    func notes(_ summary: ComparisonSummary, feature: String?) -> [String] {
        var notes = [trouble].compactMap(\.self)
        if summary.compared.isEmpty {
            notes.append(
                "push/polling: nothing was both polled and pushed in this time, so there is nothing to divide.")
        } else {
            let which =
                feature == nil
                ? ", from \(summary.compared.count) of \(features.count) features, those that were both polled and pushed"
                : ""
            notes.append("push/polling: what push took for as many changes told\(which).")
        }
        notes.append(
            "told after: from a change's commit until a client was told; for polls, until the first poll that showed it."
        )
        notes.append(
            "with ETags (est.): the same polls, had every client sent If-None-Match and got 304 for what it had already."
        )
        if !RadioShare.all(self, summary: summary).isEmpty {
            notes.append(
                "radio on (est.): had clients been alone on LTE phones; of a sample of them, since the service was started."
            )
        }
        return notes
    }
}
