import DoorbellClient
import NIOCore
import NIOPosix

/// From the application's commit to the message on a client's socket, the whole service between them; and the same row by
/// plain NOTIFY to a libpq client, which is the least that PostgreSQL can do.
struct Latency {
    private let bench: Workbench

    init(_ bench: Workbench) { self.bench = bench }

    func measure(into report: inout Report) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let stub = try await LegacyStub(group: group)
        let (captured, usual) = (
            try bench.makeDatabase(.row, rows: 10_000), try bench.makeDatabase(.usual, rows: 10_000)
        )
        let service = try ServiceChild(configuration: bench.configuration(for: captured, upstreamPort: stub.port))
        defer { service.stop() }
        try await bench.waitUntilAsleep(captured)
        var table = Table(
            "Commit to message, one writer, ms (from before the statement was sent; in brackets from the commit's return)",
            ["way", "updates/s", "kept", "p50", "target", "p99", "target", "max", "lost"])
        for rate in [100, 1000] {
            try await doorbell(captured, service, rate, group, &table, &report)
            try await notify(usual, rate, &table, &report)
        }
        report.show(table)
        stub.stop()
        try await group.shutdownGracefully()
    }

    private func doorbell(
        _ conninfo: String, _ service: ServiceChild, _ rate: Int, _ group: MultiThreadedEventLoopGroup,
        _ table: inout Table, _ report: inout Report
    ) async throws {
        Report.progress("latency: \(rate) a second through the service, \(bench.plan.latencySeconds) s")
        let count = rate * bench.plan.latencySeconds
        let log = LatencyLog(rows: count)
        let client = try await DoorbellConnection.open(to: "ws://127.0.0.1:\(service.port)/_doorbell/ws", group: group)
        {
            message in message.withUnsafeBytes { log.received($0) }
        }.get()
        try await client.subscribe(channel: "owner:1:items")
        try await Task.sleep(for: .seconds(1))
        let kept = try await PacedWriter(conninfo: conninfo, rate: rate).write(count, into: log)
        try await waitForTheLast(log)
        await client.close()
        add("Doorbell", rate, kept, log, isBound: true, &table, &report)
    }

    private func notify(
        _ conninfo: String, _ rate: Int, _ table: inout Table, _ report: inout Report
    ) async throws {
        Report.progress("latency: \(rate) a second by plain NOTIFY, \(bench.plan.latencySeconds) s")
        let count = rate * bench.plan.latencySeconds
        let log = LatencyLog(rows: count)
        let listener = try Listener(conninfo) { log.received($0) }
        defer { listener.stop() }
        let kept = try await PacedWriter(conninfo: conninfo, rate: rate).write(count, into: log)
        try await waitForTheLast(log)
        add("plain NOTIFY", rate, kept, log, isBound: false, &table, &report)
    }

    private func waitForTheLast(_ log: LatencyLog) async throws {
        for _ in 0..<100 where log.missing > 0 { try await Task.sleep(for: .milliseconds(50)) }
    }

    private func add(
        _ way: String, _ rate: Int, _ kept: Double, _ log: LatencyLog, isBound: Bool, _ table: inout Table,
        _ report: inout Report
    ) {
        // The first second warms up.
        let (sending, commit) = (log.fromSending(first: rate), log.fromCommit(first: rate))
        func figure(_ name: String, _ value: Double, _ bound: Double?) -> Figure {
            Figure("latency", "\(way), \(rate)/s, \(name), ms", value, bound.map { .atMost($0) })
        }
        // The targets count from the commit.
        let p50 = figure("p50", commit.median, isBound ? 2 : nil)
        let p99 = figure("p99", commit.quantile(0.99), isBound ? 8 : nil)
        report.add(p50, p99, figure("max", commit.max, nil))
        report.add(
            figure("p50 from sending", sending.median, nil), figure("p99 from sending", sending.quantile(0.99), nil))
        table.add([
            way, "\(rate)", Table.number(kept), "\(Table.number(sending.median)) (\(p50.cell))", p50.target?.text ?? "",
            "\(Table.number(sending.quantile(0.99))) (\(p99.cell))", p99.target?.text ?? "",
            "\(Table.number(sending.max)) (\(Table.number(commit.max)))", "\(log.missing)",
        ])
    }
}
