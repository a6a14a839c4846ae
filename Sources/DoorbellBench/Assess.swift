import DoorbellAssess
import DoorbellCore
import DoorbellTesting
import Foundation

/// How fast `doorbell assess` reads a made-up log of 1 GiB, and in how much memory: against `wc -l`, which is the least that reading a file can
/// take, and against GoAccess, in turns on the same file.
struct Assess {
    private static let goaccess = "/usr/bin/goaccess"

    private let rounds: Int
    private let size: Int

    init(_ plan: BenchPlan, quick: Bool) {
        rounds = plan.rounds
        size = quick ? 64 << 20 : 1 << 30
    }

    /// What the child does that is measured.
    static func run(file: String) throws {
        let assessment = try LogAssessor().assess([file])
        print(assessment.requests, ProcessUsage(getpid()).peakMemory)
    }

    private struct Visit {
        /// Seconds on the clock and on processors.
        let elapsed: Double
        let processor: Double
        let output: String
    }

    func measure(into report: inout Report) throws {
        guard let own = Bundle.main.executableURL?.path else { throw BenchFailure("the bench has no path") }
        let folder = try FanOutPeers.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = folder + "/access.log"
        let (bytes, lines) = try makeLog(file)
        let hasGoAccess = FileManager.default.isExecutableFile(atPath: Self.goaccess)
        if !hasGoAccess { report.say("assess: no GoAccess to compare with (make peers)") }
        var ours: [Visit] = []
        var count: [Visit] = []
        var peer: [Visit] = []
        var memory: [Double] = []
        for round in 1...rounds {
            Report.progress("assess: round \(round) of \(rounds)")
            count.append(try visit("/usr/bin/wc", ["-l", file]))
            let visit = try visit(own, ["--assess-file", file])
            let words = visit.output.split(whereSeparator: \.isWhitespace)
            guard words.count == 2, let requests = Int(words[0]), let peak = Double(words[1]) else {
                throw BenchFailure("the log could not be assessed: \(visit.output)")
            }
            guard requests == lines else { throw BenchFailure("\(requests) requests were read of \(lines)") }
            ours.append(visit)
            memory.append(peak)
            if hasGoAccess {
                peer.append(
                    try self.visit(
                        Self.goaccess,
                        [
                            file, "--log-format=COMBINED", "--no-progress", "--no-global-config", "-o",
                            folder + "/report.json",
                        ]))
            }
        }
        show(ours, count, peer, memory, Double(bytes), Double(lines), &report)
    }

    private func show(
        _ ours: [Visit], _ count: [Visit], _ peer: [Visit], _ memory: [Double], _ bytes: Double, _ lines: Double,
        _ report: inout Report
    ) {
        let elapsed = Sample(ours.map(\.elapsed)).median
        let mebibytes = bytes / 1_048_576
        let rate = Figure("assess", "GiB a minute", mebibytes / 1024 / elapsed * 60, .atLeast(1))
        let peak = Figure("assess", "peak memory, MiB", memory.max() ?? 0, .atMost(256))
        let wc = Figure("assess", "time, × wc -l", Sample(zip(ours, count).map { $0.elapsed / $1.elapsed }).median)
        report.add(rate, peak, wc)
        var table = Table(
            "\(Int(mebibytes)) MiB of combined log, \(Int(lines)) lines (medians of \(rounds) rounds)",
            ["program", "MiB/s", "CPU ns a line", "time, × wc -l", "peak MiB"])
        func add(_ name: String, _ visits: [Visit], _ ratio: String, _ memory: String) {
            table.add([
                name, Table.number(mebibytes / Sample(visits.map(\.elapsed)).median),
                Table.number(Sample(visits.map(\.processor)).median / lines * 1e9), ratio, memory,
            ])
        }
        add("wc -l", count, "1", "")
        add("doorbell assess", ours, wc.cell, peak.cell)
        if !peer.isEmpty {
            add("GoAccess", peer, Table.number(Sample(zip(peer, count).map { $0.elapsed / $1.elapsed }).median), "")
            let ratio = Figure(
                "assess", "speed, × GoAccess", Sample(zip(ours, peer).map { $1.elapsed / $0.elapsed }).median)
            report.add(ratio)
            table.add(["doorbell assess, × GoAccess", ratio.cell, "", "", ""])
        }
        table.add(["GiB a minute", rate.cell, "", "", ""])
        report.show(table)
    }

    /// - Returns: Bytes and lines.
    private func makeLog(_ path: String) throws -> (Int, Int) {
        guard let file = fopen(path, "w") else { throw BenchFailure("\(path) cannot be written") }
        defer { fclose(file) }
        let scale = max(1, size >> 26)
        var bytes = 0
        var lines = 0
        var part = 0
        // Some 90 MB an hour and scale; the hours follow each other.
        while bytes < size {
            Report.progress("assess: wrote \(bytes >> 20) of \(size >> 20) MiB")
            let generator = AccessLogGenerator(
                seed: UInt64(part + 1), begin: 1_780_000_000 + part * 1800, duration: 1800,
                mix: AccessLogGenerator.Mix().scaled(max(1, scale / 4)))
            generator.run { line, _ in
                guard bytes < size else { return }
                line.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
                bytes += line.count
                lines += 1
            }
            part += 1
        }
        return (bytes, lines)
    }

    private func visit(_ program: String, _ arguments: [String]) throws -> Visit {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        let before = ProcessorClock.children
        let start = Moment.now
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let elapsed = Moment.seconds(since: start)
        guard process.terminationStatus == 0 else {
            throw BenchFailure("\(program) ended with \(process.terminationStatus)")
        }
        return Visit(elapsed: elapsed, processor: ProcessorClock.children - before, output: text)
    }
}
