/// What a connection costs before anything is published.
struct FanOutConnecting {
    private let plan: FanOutPlan

    init(_ plan: FanOutPlan) { self.plan = plan }

    func measure(into report: inout Report) {
        var table = Table(
            "\(plan.many) connections, 200 handshakes at a time (medians of \(plan.rounds) rounds)",
            ["server", "connects/s", "CPU µs each"])
        let kinds = FanOutServer.Kind.allCases.filter { $0.missingPackages.isEmpty && $0 != .ledger }
        // The last is Doorbell once more, subscribing by a message as its clients do.
        var samples: [[(rate: Double, processor: Double)]] = (kinds + [.doorbell]).map { _ in [] }
        for round in 1...plan.rounds {
            Report.progress("fanout: connecting, round \(round) of \(plan.rounds)")
            for (index, kind) in (kinds + [.doorbell]).enumerated() {
                do {
                    samples[index].append(try visit(kind, isSubscribing: index == kinds.count))
                } catch {
                    report.say("fanout, connecting, \(kind.name): not measured: \(error)")
                }
            }
        }
        func add(_ name: String, _ values: [(rate: Double, processor: Double)], isBound: Bool) {
            let rate = Figure(
                "fanout", "\(name): connects a second", Sample(values.map(\.rate)).median,
                isBound ? .atLeast(20_000) : nil)
            let processor = Figure(
                "fanout", "\(name): CPU of a connect, µs", Sample(values.map(\.processor)).median,
                isBound ? .atMost(30) : nil)
            report.add(rate, processor)
            table.add([name, rate.cell, processor.cell])
        }
        for (index, kind) in kinds.enumerated() { add(kind.name, samples[index], isBound: kind == .doorbell) }
        add("Doorbell, and subscribing", samples[kinds.count], isBound: false)
        report.show(table)
    }

    private func visit(
        _ kind: FanOutServer.Kind, isSubscribing: Bool
    ) throws -> (rate: Double, processor: Double) {
        let visit = try FanOutVisit(kind, count: plan.many, isSubscribing: isSubscribing)
        defer { visit.end() }
        return visit.connecting
    }
}
