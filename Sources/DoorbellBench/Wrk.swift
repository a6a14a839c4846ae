import DoorbellTesting
import Foundation

/// `wrk` with 100 connections on the load's core.
struct Wrk {
    static let program = "/usr/bin/wrk"

    struct Result {
        /// Requests a second.
        let rate: Double
        /// Milliseconds.
        let p99: Double
        /// The server's, in microseconds a request.
        let processor: Double
    }

    let url: String
    let seconds: Int
    /// The server's.
    let usage: ProcessUsage

    func run(headers: [String] = [], for duration: Int? = nil) throws -> Result {
        let duration = duration ?? seconds
        let arguments = headers.flatMap { ["-H", $0] }
        let before = usage.processorSeconds
        let text = try Self.output(
            of: Self.program,
            ["-t", "1", "-c", "100", "-d", "\(duration)s", "--latency"] + arguments + [url], core: FanOut.loadCore)
        let used = usage.processorSeconds - before
        guard let rate = Self.value(after: "Requests/sec:", in: text).flatMap({ Double($0) }),
            let p99 = Self.value(after: "99%", in: text).flatMap({ Self.milliseconds($0) }),
            let requests = text.split(separator: "\n").first(where: { $0.contains(" requests in ") })?
                .split(separator: " ").first.flatMap({ Double($0) })
        else { throw BenchFailure("wrk said: \(text)") }
        guard !text.contains("Non-2xx or 3xx"), !text.contains("Socket errors") else {
            throw BenchFailure("wrk met errors: \(text)")
        }
        return Result(rate: rate, p99: p99, processor: used / max(1, requests) * 1e6)
    }

    /// The entity tag that the server gives.
    static func tag(of url: String) throws -> String {
        let head = try output(of: "/usr/bin/curl", ["-sI", url], core: nil)
        guard let line = head.split(separator: "\r\n").first(where: { $0.lowercased().hasPrefix("etag:") }) else {
            throw BenchFailure("\(url) has no entity tag")
        }
        return line.dropFirst(5).trimmingCharacters(in: .whitespaces)
    }

    private static func output(of program: String, _ arguments: [String], core: Int?) throws -> String {
        let process = Process()
        let pipe = Pipe()
        if let core, FanOutChild.canPin {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
            process.arguments = ["-c", "\(core)", program] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = arguments
        }
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    private static func value(after name: String, in text: String) -> String? {
        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        return lines.first { $0.hasPrefix(name) }?.dropFirst(name.count).trimmingCharacters(in: .whitespaces)
    }

    /// "1.23ms", "456.00us", "1.20s".
    private static func milliseconds(_ text: String) -> Double? {
        for (unit, factor) in [("us", 0.001), ("ms", 1), ("s", 1000)] where text.hasSuffix(unit) {
            return Double(text.dropLast(unit.count)).map { $0 * factor }
        }
        return nil
    }
}
