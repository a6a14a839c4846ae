import DoorbellTesting

/// One statement that updates many rows: the time it takes with each kind of capture, against without.
struct BulkUpdate {
    private let bench: Workbench

    init(_ bench: Workbench) { self.bench = bench }

    private struct Variant {
        let capture: Workbench.Capture
        let conninfo: String
        var times: [Double] = []
    }

    func measure(into report: inout Report) async throws {
        let rows = bench.plan.bulkRows
        var variants = try Workbench.Capture.allCases.map {
            Variant(capture: $0, conninfo: try bench.makeDatabase($0, rows: rows))
        }
        var services: [ServiceChild] = []
        defer { services.forEach { $0.stop() } }
        var listener: Listener?
        defer { listener?.stop() }
        for variant in variants {
            switch variant.capture {
            case .without: break
            case .row, .statement:
                services.append(try ServiceChild(configuration: bench.configuration(for: variant.conninfo)))
                try await bench.waitUntilAsleep(variant.conninfo)
            case .usual: listener = try Listener(variant.conninfo)
            }
        }
        // The first round warms up.
        for round in 0...bench.plan.rounds {
            for index in variants.indices {
                let seconds = try await update(variants[index], listener)
                if round > 0 { variants[index].times.append(seconds) }
            }
            Report.progress("bulk: round \(round) of \(bench.plan.rounds)")
        }
        show(variants, rows, &report)
    }

    private func update(_ variant: Variant, _ listener: Listener?) async throws -> Double {
        let connection = try ScratchConnection(variant.conninfo)
        try connection.run("vacuum items")
        try connection.run("checkpoint")
        let heard = listener?.count ?? 0
        let start = Moment.now
        try connection.run("update items set value = value + 1, updated_at = now()")
        let seconds = Moment.seconds(since: start)
        // What follows a commit must not run beside the next measurement.
        switch variant.capture {
        case .without: break
        case .row, .statement: try await bench.waitUntilAsleep(variant.conninfo)
        case .usual:
            while let listener, listener.count - heard < bench.plan.bulkRows {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        return seconds
    }

    private func show(_ variants: [Variant], _ rows: Int, _ report: inout Report) {
        var table = Table(
            "One UPDATE of \(rows) rows: time with/without", ["variant", "ratio", "target", "noise", "ms"])
        guard let base = variants.first(where: { $0.capture == .without }) else { return }
        for variant in variants {
            let (name, target): (String, Figure.Target?) =
                switch variant.capture {
                case .without: ("without", nil)
                case .row: ("row triggers", .atMost(4))
                case .statement: ("statement triggers", .atMost(2.5))
                case .usual: ("usual way", nil)
                }
            let figure = Figure(
                "bulk", name, Sample(zip(variant.times, base.times).map { $0 / $1 }).median, target)
            if variant.capture != .without { report.add(figure) }
            let times = Sample(variant.times)
            table.add([
                name, figure.cell, target?.text ?? "", "± \(Int((times.noise * 100).rounded())) %",
                Table.number(times.median * 1000),
            ])
        }
        report.show(table)
    }
}
