import ArgumentParser

/// What pushing costs: Doorbell's server, a C server that writes each delivery once, and the peers that Debian packages, in
/// turns on the same core, with the same load generator on the other. Figures are ratios within a round.
struct FanOut {
    static let serverCore = 0
    static let loadCore = 1

    /// Each can be measured by itself.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        case many, few, `private`, connecting, endurance, ledger
    }

    private let plan: FanOutPlan
    private let parts: [Part]
    private let kinds = FanOutServer.Kind.allCases.filter { $0.missingPackages.isEmpty && $0 != .ledger }

    init(_ plan: FanOutPlan, parts: [Part]) {
        self.plan = plan
        self.parts = parts
    }

    func measure(into report: inout Report) {
        for kind in FanOutServer.Kind.allCases where !kind.missingPackages.isEmpty {
            report.say("\(kind.name) is not measured: apt install \(kind.missingPackages.joined(separator: " "))")
        }
        if !FanOutChild.canPin {
            report.say("server and load share processors: there is no taskset, or one processor only")
        }
        for part in Part.allCases where parts.contains(part) {
            switch part {
            case .many: everybody(&report)
            case .few: few(&report)
            case .private: privately(&report)
            case .connecting: FanOutConnecting(plan).measure(into: &report)
            case .endurance: FanOutEndurance(plan).measure(into: &report)
            case .ledger: withLedger(&report)
            }
        }
    }

    /// Samples of one server over the rounds, by what was measured.
    private typealias Samples = [FanOutServer.Kind: [[Double]]]

    /// Visits every server in every round.
    ///
    /// - Parameter measure: The same number of values each time. A server that fails is left out from then on.
    private func rounds(
        _ kinds: [FanOutServer.Kind], _ what: String, _ report: inout Report,
        _ measure: (FanOutServer.Kind) throws -> [Double]
    ) -> Samples {
        var samples: Samples = [:]
        var failed: Set<FanOutServer.Kind> = []
        for round in 1...plan.rounds {
            for kind in kinds where !failed.contains(kind) {
                Report.progress("fanout: \(what), \(kind.name), round \(round) of \(plan.rounds)")
                do {
                    samples[kind, default: []].append(try measure(kind))
                } catch {
                    report.say("fanout, \(what), \(kind.name): not measured: \(error)")
                    failed.insert(kind)
                    samples[kind] = nil
                }
            }
        }
        return samples
    }

    private static func median(_ values: [[Double]]?, _ index: Int) -> Double {
        values.map { Sample($0.map { $0[index] }).median } ?? .nan
    }

    /// Of the values of each round: those of `kind` by those of the C server.
    private static func ratio(_ samples: Samples, _ kind: FanOutServer.Kind, _ index: Int) -> Double {
        guard let mine = samples[kind], let reference = samples[.reference] else { return .nan }
        return Sample(zip(mine, reference).map { $0[index] / $1[index] }).median
    }

    /// A target binds Doorbell only; the peers' figures are there to look at.
    private static func figure(
        _ name: String, _ value: Double, _ kind: FanOutServer.Kind, _ target: Figure.Target?
    ) -> Figure { Figure("fanout", "\(kind.name): \(name)", value, kind == .doorbell ? target : nil) }

    private static func missing(_ samples: Samples, _ kind: FanOutServer.Kind, _ index: Int) -> Double {
        samples[kind].map { Sample($0.map { $0[index] }).max } ?? .nan
    }

    // MARK: One channel

    private func everybody(_ report: inout Report) {
        let rate = 10
        let samples = rounds(kinds, "one channel of \(plan.many)", &report) { kind in
            let visit = try FanOutVisit(kind, count: plan.many)
            defer { visit.end() }
            let paced = try visit.publish(rate * plan.seconds, rate: rate)
            let fast = try visit.publish(plan.fastMessages.many, rate: 0)
            return [
                paced.processor, paced.p50, paced.p99, fast.rate, visit.memory, Double(paced.missing + fast.missing),
                fast.processor,
            ]
        }
        var table = Table(
            "One channel, \(plan.many) subscribers (× the C server; medians of \(plan.rounds) rounds)",
            [
                "server", "µs/delivery, \(rate)/s", "×", "p50 ms", "×", "p99 ms", "×", "fast: deliveries/s", "×",
                "µs/delivery", "idle KiB", "missing",
            ])
        for kind in kinds where samples[kind] != nil {
            let processor = Self.figure(
                "\(plan.many) subscribers, \(rate)/s, CPU per delivery, × C", Self.ratio(samples, kind, 0), kind,
                .atMost(1.25))
            let p50 = Self.figure(
                "\(plan.many) subscribers, \(rate)/s, p50, × C", Self.ratio(samples, kind, 1), kind, .atMost(1.25))
            let p99 = Self.figure(
                "\(plan.many) subscribers, \(rate)/s, p99, × C", Self.ratio(samples, kind, 2), kind, .atMost(1.25))
            let fast = Self.figure(
                "\(plan.many) subscribers, as fast as possible, × C", Self.ratio(samples, kind, 3), kind,
                .atLeast(1.3))
            let memory = Self.figure(
                "idle subscribed connection, KiB", Self.median(samples[kind], 4), kind, .atMost(3))
            let missing = Self.figure(
                "\(plan.many) subscribers, deliveries missing", Self.missing(samples, kind, 5), kind, .atMost(0))
            report.add(processor, p50, p99, fast, memory, missing)
            table.add([
                kind.name, Table.number(Self.median(samples[kind], 0)), processor.cell,
                Table.number(Self.median(samples[kind], 1)), p50.cell, Table.number(Self.median(samples[kind], 2)),
                p99.cell, Table.number(Self.median(samples[kind], 3)), fast.cell,
                Table.number(Self.median(samples[kind], 6)), memory.cell, missing.cell,
            ])
        }
        report.show(table)
    }

    private func few(_ report: inout Report) {
        let samples = rounds(kinds, "one channel of \(plan.few)", &report) { kind in
            let visit = try FanOutVisit(kind, count: plan.few)
            defer { visit.end() }
            let fast = try visit.publish(plan.fastMessages.few, rate: 0)
            return [fast.rate, fast.processor, fast.p50, fast.p99, Double(fast.missing)]
        }
        var table = Table(
            "One channel, \(plan.few) subscribers, as fast as possible",
            ["server", "deliveries/s", "×", "µs/delivery", "p50 ms", "p99 ms", "missing"])
        for kind in kinds where samples[kind] != nil {
            let fast = Self.figure(
                "\(plan.few) subscribers, as fast as possible, × C", Self.ratio(samples, kind, 0), kind, .atLeast(2.5))
            let missing = Self.figure(
                "\(plan.few) subscribers, deliveries missing", Self.missing(samples, kind, 4), kind, .atMost(0))
            report.add(fast, missing)
            let numbers = (0..<4).map { Table.number(Self.median(samples[kind], $0)) }
            table.add([kind.name, numbers[0], fast.cell] + numbers[1...] + [missing.cell])
        }
        report.show(table)
    }

    // MARK: The cost of counting

    /// The same server with the ledger off and on, in turns.
    private func withLedger(_ report: inout Report) {
        let rate = 10
        let samples = rounds([.doorbell, .ledger], "ledger off and on, \(plan.many) subscribers", &report) { kind in
            let visit = try FanOutVisit(kind, count: plan.many)
            defer { visit.end() }
            let paced = try visit.publish(rate * plan.seconds, rate: rate)
            let fast = try visit.publish(plan.fastMessages.many, rate: 0)
            return [paced.processor, fast.processor, Double(paced.missing + fast.missing)]
        }
        let alone = rounds([.doorbell, .ledger], "ledger off and on, private channels", &report) { kind in
            let visit = try FanOutVisit(kind, count: plan.many, isPrivate: true)
            defer { visit.end() }
            let delivery = try visit.publishPrivately(plan.privateRate * plan.seconds, rate: plan.privateRate)
            return [delivery.processor, Double(delivery.missing)]
        }
        func ratio(_ samples: Samples, _ index: Int) -> Double {
            guard let on = samples[.ledger], let off = samples[.doorbell] else { return .nan }
            return Sample(zip(on, off).map { $0[index] / $1[index] }).median
        }
        var table = Table(
            "What the ledger costs (CPU a delivery with it, × without; medians of \(plan.rounds) rounds)",
            ["load", "off µs", "on µs", "×"])
        for (load, samples, index) in [
            ("\(plan.many) subscribers, \(rate)/s", samples, 0),
            ("\(plan.many) subscribers, as fast as possible", samples, 1),
            ("\(plan.many) private channels, \(plan.privateRate)/s", alone, 0),
        ] {
            let figure = Figure("ledger", "\(load), CPU per delivery, × without", ratio(samples, index), .atMost(1.03))
            report.add(figure)
            table.add([
                load, Table.number(Self.median(samples[.doorbell], index)),
                Table.number(Self.median(samples[.ledger], index)), figure.cell,
            ])
        }
        report.show(table)
    }

    // MARK: Private channels

    private func privately(_ report: inout Report) {
        let kinds = kinds.filter(\.hasPrivateChannels)
        let samples = rounds(kinds, "\(plan.many) private channels", &report) { kind in
            let visit = try FanOutVisit(kind, count: plan.many, isPrivate: true)
            defer { visit.end() }
            let delivery = try visit.publishPrivately(plan.privateRate * plan.seconds, rate: plan.privateRate)
            return [delivery.processor, delivery.p50, delivery.p99, visit.memory, Double(delivery.missing)]
        }
        var table = Table(
            "\(plan.many) private channels, \(plan.privateRate) messages/s",
            ["server", "µs/delivery", "×", "p50 ms", "p99 ms", "idle KiB", "missing"])
        for kind in kinds where samples[kind] != nil {
            let processor = Self.figure(
                "private channels, CPU per delivery, × C", Self.ratio(samples, kind, 0), kind, .atMost(1.3))
            let p99 = Self.figure("private channels, p99, ms", Self.median(samples[kind], 2), kind, .atMost(0.5))
            let missing = Self.figure(
                "private channels, deliveries missing", Self.missing(samples, kind, 4), kind, .atMost(0))
            report.add(processor, p99, missing)
            table.add([
                kind.name, Table.number(Self.median(samples[kind], 0)), processor.cell,
                Table.number(Self.median(samples[kind], 1)), p99.cell, Table.number(Self.median(samples[kind], 3)),
                missing.cell,
            ])
        }
        report.show(table)
    }
}
