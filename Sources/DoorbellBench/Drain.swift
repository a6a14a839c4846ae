import CLibPQ
import DoorbellCapture
import DoorbellCore
import DoorbellHub
import DoorbellTesting
import Foundation
import Logging

/// How fast a backlog is worked off: rows from SQL to encoded messages, against `COPY` of the same rows, which is the least
/// that reading them can take.
struct Drain {
    private static let owners = 1000

    private let bench: Workbench

    init(_ bench: Workbench) { self.bench = bench }

    func measure(into report: inout Report) async throws {
        let rows = bench.plan.rows
        let conninfo = try bench.makeDatabase(.row, rows: 10_000)
        let connection = try ScratchConnection(conninfo)
        for batch in 0..<(rows / 10_000) {
            try connection.run("update items set value = value + 1, updated_at = now()")
            if batch % 10 == 9 {
                Report.progress("drain: wrote \((batch + 1) * 10_000) of \(rows) rows")
                try connection.run("vacuum items")
            }
        }
        let written = Int(try connection.run("select count(*) from doorbell.outbox")[0][0] ?? "") ?? 0
        try connection.run("checkpoint")

        let copyBefore = try copy(conninfo)
        let (sink, memory) = try await drain(conninfo, written)
        let copyAfter = try copy(conninfo)
        show(
            sink, written, memory: memory, copy: Sample([copyBefore.seconds, copyAfter.seconds]).median,
            bytes: copyBefore.bytes, &report)
    }

    private func drain(_ conninfo: String, _ rows: Int) async throws -> (sink: DrainSink, memory: Double) {
        let table = QualifiedName(schema: "public", name: "items")
        let feature = Feature(
            name: "items", poll: try PollPattern("GET /api/owners/{owner_id}/items"),
            tables: [.init(table: table, channel: .template(try ChannelTemplate("owner:{owner_id}:items")))],
            stage: .push)
        let sink = try DrainSink(
            feature: feature, channels: (0..<Self.owners).compactMap { ChannelName("owner:\($0):items") },
            expected: rows)
        let usage = ProcessUsage(getpid())
        usage.resetPeak()
        let before = usage.residentMemory
        let capture = CaptureService(
            configuration: CaptureConfiguration(conninfo: conninfo, tables: [table]), sink: sink,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await capture.run() }
        var waited = 0
        while !sink.isFinished {
            try await Task.sleep(for: .milliseconds(100))
            waited += 1
            if waited % 20 == 0 { Report.progress("drain: \(sink.encodedCount) of \(rows) rows") }
            guard waited < 3000 else { throw BenchFailure("the backlog does not end: \(sink.encodedCount) of \(rows)") }
        }
        running.cancel()
        _ = await running.result
        return (sink, usage.peakMemory - before)
    }

    /// Reads the outbox in order and throws it away.
    private func copy(_ conninfo: String) throws -> (seconds: Double, bytes: Int) {
        guard let handle = PQconnectdb(conninfo) else { throw BenchFailure("out of memory") }
        defer { PQfinish(handle) }
        let start = Moment.now
        PQclear(
            PQexec(
                handle, "copy (select seq, xid, relation, op, old, new, at from doorbell.outbox order by seq) to stdout"
            ))
        var bytes = 0
        var line: UnsafeMutablePointer<CChar>?
        while true {
            let length = PQgetCopyData(handle, &line, 0)
            guard length > 0 else { break }
            bytes += Int(length)
            PQfreemem(line)
        }
        return (Moment.seconds(since: start), bytes)
    }

    private func show(
        _ sink: DrainSink, _ rows: Int, memory: Double, copy: Double, bytes: Int, _ report: inout Report
    ) {
        let count = Double(rows)
        let rate = Figure("drain", "rows/s", count / sink.duration, .atLeast(100_000))
        let ratio = Figure("drain", "rate against COPY", copy / sink.duration)
        let history = Double(sink.usage.bytes) / 1_048_576
        let growth = Figure("drain", "peak memory growth, MiB", memory)
        report.add(rate, ratio, growth)
        var table = Table(
            "Backlog of \(rows) updates, \(bytes / max(1, rows)) bytes a row, from SQL to encoded messages",
            ["what", "figure", "target"])
        table.add(["rows/s", rate.cell, rate.target?.text ?? ""])
        table.add(["COPY of the same rows, rows/s", Table.number(count / copy), ""])
        table.add(["rate against COPY", ratio.cell, ""])
        table.add([
            "of the time, before the first row, %", Table.number(sink.beforeFirstBatch / sink.duration * 100), "",
        ])
        table.add(["peak memory growth, MiB", growth.cell, ""])
        table.add(["of it the hub's history, estimated by itself, MiB", Table.number(history), "≤ 256"])
        report.show(table)
    }
}
