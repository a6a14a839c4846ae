internal import DoorbellReport

/// What is deployed, and what went where.
enum DeploymentPicture {
    static func svg(_ report: ComparisonReport, _ summary: ComparisonSummary) -> Markup {
        let polls = summary.column(.polls)?.total ?? .init()
        let held = summary.column(.held)?.total ?? .init()
        let push = summary.column(.push)?.total ?? .init()
        let length = max(summary.length, 1)
        func rate(_ count: Double) -> String { Figures.short(count / length) }
        let nodes = max(1, report.processes.count { $0.name.hasPrefix("doorbell") })
        let doorbell = report.processes.filter { $0.name.hasPrefix("doorbell") }
        let legacy = report.processes.first { $0.name.hasPrefix("legacy") }
        let isPolled = polls.requests > 0 || held.requests > 0
        let isPushed = push.requests > 0 || push.connectionSeconds > 0
        var poll = ["\(Figures.count(polls.requests)) polls"]
        if polls.requests > 0 {
            poll.append("\(Figures.share(Double(polls.unchanged) / Double(polls.requests))) with nothing new")
        }
        if held.requests > 0 { poll.append("\(Figures.count(held.requests)) held polls") }
        let open = push.connectionSeconds / length
        var pushed = [
            "\(Figures.decimal(open, places: 1)) subscriptions on average", "\(Figures.count(push.requests)) messages",
        ]
        let origin = polls.originRequests &+ held.originRequests &+ push.originRequests
        var behind = ["\(Figures.count(origin)) requests"]
        if let legacy { behind.append(processor(legacy, length)) }
        if !isPolled { poll = ["nobody in this time"] }
        if !isPushed { pushed = ["nobody in this time"] }
        let database = report.database.map { ["\(Figures.count($0.transactions)) transactions"] } ?? []
        let boxes = [
            Diagram.Box(x: 4, y: 14, width: 236, height: 96, title: "Clients that poll", lines: poll, tint: .before),
            Diagram.Box(
                x: 4, y: 164, width: 236, height: 96, title: "Clients that are pushed", lines: pushed, tint: .after),
            Diagram.Box(
                x: 396, y: 14, width: 330, height: 246, title: nodes == 1 ? "Doorbell" : "Doorbell, \(nodes) nodes",
                lines: doorbell.map { processor($0, length) } + stages(report), tint: .neutral),
            Diagram.Box(x: 880, y: 14, width: 236, height: 96, title: "Legacy API", lines: behind, tint: .before),
            Diagram.Box(
                x: 880, y: 164, width: 236, height: 96, title: "PostgreSQL",
                lines: ["triggers write the outbox"] + database, tint: .neutral),
        ]
        func arrow(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ label: String, _ tint: Tint)
            -> Diagram.Arrow
        {
            Diagram.Arrow(from: .init(x1, y1), to: .init(x2, y2), label: label, tint: tint)
        }
        let arrows = [
            arrow(
                240, 50, 396, 50, isPolled ? "\(rate(Double(polls.requests) + Double(held.requests))) polls/s" : "",
                .before),
            arrow(396, 212, 240, 212, isPushed ? "\(rate(Double(push.requests))) messages/s" : "", .after),
            arrow(726, 50, 880, 50, origin > 0 ? "\(rate(Double(origin))) requests/s" : "", .before),
            arrow(880, 212, 726, 212, "committed changes", .after),
            arrow(998, 110, 998, 164, "reads and writes", .neutral),
        ]
        return Diagram(
            title: "What is deployed",
            description:
                "Clients that poll and clients that are pushed reach Doorbell. Doorbell asks the legacy API and learns of changes from PostgreSQL. "
                + stages(report).joined(separator: ". ") + ".",
            width: 1120, height: 274, boxes: boxes, arrows: arrows
        ).svg
    }

    private static func processor(_ process: ComparisonReport.ProcessUsage, _ length: Double) -> String {
        let cores = process.cpuSeconds.map { "\(Unit.cores.text($0 / length)) processors" }
        let memory = process.memory.map { Figures.bytes($0) }
        let known = [cores, memory].compactMap { $0 }
        return known.isEmpty ? "" : known.joined(separator: ", ")
    }

    /// A line for each stage with features in it.
    private static func stages(_ report: ComparisonReport) -> [String] {
        var order: [String] = []
        var names: [String: [String]] = [:]
        for feature in report.features {
            if names[feature.stage] == nil { order.append(feature.stage) }
            names[feature.stage, default: []].append(
                feature.name + (feature.stage == "canary" ? " \(Figures.plain(feature.percent, places: 2)) %" : ""))
        }
        let known = ["observe", "shadow", "canary", "push", "retired"]
        return (known.filter { order.contains($0) } + order.filter { !known.contains($0) }).map { stage in
            let all = names[stage] ?? []
            let rest = all.count > 3 ? " and \(all.count - 3) more" : ""
            return "\(stage): " + all.prefix(3).joined(separator: ", ") + rest
        }
    }
}
