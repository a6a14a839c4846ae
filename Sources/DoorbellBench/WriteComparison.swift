import DoorbellTesting

/// Throughput of single-row updates in three variants, taking turns round by round: nothing captures, the service captures,
/// the usual way with one client listening.
struct WriteComparison {
    /// Of one number of clients; one element a round.
    struct Outcome {
        var without: [Double] = []
        var capture: [Double] = []
        var usual: [Double] = []

        var captureShare: Double { Self.ratio(capture, without) }
        var usualShare: Double { Self.ratio(usual, without) }
        var gain: Double { Self.ratio(capture, usual) }
        var withoutMedian: Double { Sample(without).median }
        var noise: Double { Sample(without).noise }

        /// The median of the rounds' own ratios: what slows a whole round down cancels out.
        private static func ratio(_ some: [Double], _ others: [Double]) -> Double {
            Sample(zip(some, others).map { $0 / $1 }).median
        }
    }

    static let header = [
        "clients", "without, tps", "noise", "capture/without", "target", "usual/without", "capture/usual", "target",
    ]

    private let bench: Workbench
    private let databases: [(capture: Workbench.Capture, conninfo: String)]
    private let pgbench: Pgbench
    private let service: ServiceChild
    private let listener: Listener

    init(_ bench: Workbench) async throws {
        self.bench = bench
        self.databases = try [.without, .row, .usual].map { ($0, try bench.makeDatabase($0, rows: 10_000)) }
        self.pgbench = try Pgbench(bench.cluster)
        self.service = try ServiceChild(configuration: bench.configuration(for: databases[1].conninfo))
        self.listener = try Listener(databases[2].conninfo)
        try await bench.waitUntilAsleep(databases[1].conninfo)
    }

    func run(section: String, clients: Int) async throws -> Outcome {
        var outcome = Outcome()
        for database in databases { _ = try pgbench.run(database.conninfo, clients: clients, seconds: 1) }
        for round in 0..<bench.plan.rounds {
            // Each round begins with another variant.
            for index in 0..<3 {
                let database = databases[(round + index) % 3]
                let connection = try ScratchConnection(database.conninfo)
                try connection.run("vacuum items")
                try connection.run("checkpoint")
                let tps = try pgbench.run(database.conninfo, clients: clients, seconds: bench.plan.seconds)
                switch database.capture {
                case .without: outcome.without.append(tps)
                case .row, .statement:
                    outcome.capture.append(tps)
                    try await bench.waitUntilAsleep(database.conninfo)
                case .usual: outcome.usual.append(tps)
                }
            }
            Report.progress(
                "\(section): \(clients) clients, round \(round + 1) of \(bench.plan.rounds): "
                    + "without \(Table.number(outcome.without[round])), capture \(Table.number(outcome.capture[round])), "
                    + "usual \(Table.number(outcome.usual[round])) tps")
        }
        return outcome
    }

    func stop() {
        service.stop()
        listener.stop()
        pgbench.remove()
    }

    /// The figures of one number of clients, and their row.
    static func add(
        _ outcome: Outcome, section: String, clients: Int, share: Double?, gain: Double?, to table: inout Table,
        _ report: inout Report
    ) {
        let captured = Figure(
            section, "\(clients) clients, capture/without", outcome.captureShare, share.map { .atLeast($0) })
        let gained = Figure(section, "\(clients) clients, capture/usual", outcome.gain, gain.map { .atLeast($0) })
        let usual = Figure(section, "\(clients) clients, usual/without", outcome.usualShare)
        report.add(captured, usual, gained)
        table.add([
            "\(clients)", Table.number(outcome.withoutMedian), "± \(Int((outcome.noise * 100).rounded())) %",
            captured.cell, captured.target?.text ?? "", usual.cell, gained.cell, gained.target?.text ?? "",
        ])
    }
}
