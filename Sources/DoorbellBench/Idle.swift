import DoorbellClient
import DoorbellTesting
import Foundation
import NIOCore
import NIOPosix

/// What a service with one quiet client costs while nothing is written.
struct Idle {
    private let bench: Workbench

    init(_ bench: Workbench) { self.bench = bench }

    func measure(into report: inout Report) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let stub = try await LegacyStub(group: group)
        let conninfo = try bench.makeDatabase(.row, rows: 100)
        // Every statement of the service is in the server's log from here on.
        let admin = try ScratchConnection(conninfo)
        let database = try admin.run("select current_database()")[0][0] ?? ""
        try admin.run("alter database \(database) set log_statement = 'all'")
        try admin.run("set log_statement = 'none'")
        let service = try ServiceChild(configuration: bench.configuration(for: conninfo, upstreamPort: stub.port))
        defer { service.stop() }
        try await bench.waitUntilAsleep(conninfo)
        let client = try await DoorbellConnection.open(
            to: "ws://127.0.0.1:\(service.port)/_doorbell/ws", group: group, onMessage: { _ in }
        ).get()
        try await client.subscribe(channel: "owner:1:items")
        try await Task.sleep(for: .seconds(2))

        Report.progress("idle: \(bench.plan.idleSeconds) s")
        let log = bench.cluster.folder + "/log"
        let (linesBefore, usedBefore, start) = (try lines(of: log).count, service.usage.processorSeconds, Moment.now)
        try await Task.sleep(for: .seconds(bench.plan.idleSeconds))
        let seconds = Moment.seconds(since: start)
        let used = service.usage.processorSeconds - usedBefore
        let statements = try lines(of: log).dropFirst(linesBefore).filter(Self.isStatement)

        // "No query more often than once a second": the one that is asked most often.
        let most = Dictionary(grouping: statements, by: Self.text).values.map(\.count).max() ?? 0
        let processor = Figure("idle", "processor, % of a core", used / seconds * 100, .atMost(0.5))
        let often = Figure("idle", "most frequent statement, a second", Double(most) / seconds, .atMost(1.05))
        let all = Figure("idle", "statements a second", Double(statements.count) / seconds)
        report.add(processor, often, all)
        var table = Table("An idle service with one client, \(Int(seconds)) s", ["what", "figure", "target"])
        for figure in [processor, often, all] { table.add([figure.name, figure.cell, figure.target?.text ?? ""]) }
        report.show(table)
        await client.close()
        stub.stop()
        try await group.shutdownGracefully()
    }

    private func lines(of log: String) throws -> [Substring] {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: log)), as: UTF8.self).split(separator: "\n")
    }

    private static func isStatement(_ line: Substring) -> Bool {
        line.contains("LOG:  statement:") || line.contains("LOG:  execute ")
    }

    /// Without the time and the process.
    private static func text(_ line: Substring) -> Substring {
        guard let range = line.range(of: "LOG:  ") else { return line }
        return line[range.upperBound...]
    }
}
