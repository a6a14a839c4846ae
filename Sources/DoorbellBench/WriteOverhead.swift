/// What the application's own writes pay.
struct WriteOverhead {
    private let bench: Workbench

    init(_ bench: Workbench) { self.bench = bench }

    func measure(into report: inout Report) async throws {
        let comparison = try await WriteComparison(bench)
        defer { comparison.stop() }
        var table = Table("Updates of one row, fsync on, service attached", WriteComparison.header)
        for (clients, share, gain) in [(1, 0.80, nil), (8, 0.65, 1.7), (32, 0.70, 2.2)] as [(Int, Double, Double?)] {
            let outcome = try await comparison.run(section: "writes", clients: clients)
            WriteComparison.add(
                outcome, section: "writes", clients: clients, share: share, gain: gain, to: &table, &report)
        }
        report.show(table)
    }
}
