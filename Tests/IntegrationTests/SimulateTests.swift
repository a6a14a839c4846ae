import DoorbellCore
import Foundation
import Testing

/// `doorbell simulate` as a user runs it, small: 50 clients that poll every half second, three seconds each way.
@Suite("doorbell simulate", .serialized) struct SimulateTests {
    private static let small = [
        "--clients", "50", "--interval", "500ms", "--duration", "3s", "--change-rate", "20",
    ]

    @Test(
        "polls and pushes the same changes; push misses none, and nothing is left behind",
        arguments: ["ws", "sse", "long-poll"])
    func run(transport: String) async throws {
        let simulation = try Running(Self.small + ["--json", "--transport", transport])
        #expect(await simulation.untilEnded() == 0, "\(simulation.error)")
        let report = try JSONDecoder().decode(Report.self, from: Data(simulation.output.utf8))
        #expect(report.phases.map(\.isPush) == [false, true])
        for phase in report.phases {
            #expect(phase.connections == 50)
            #expect(phase.lost == 0)
            #expect(phase.failures == 0)
            #expect(phase.strangers == 0)
            #expect(phase.missed == 0)
            #expect(phase.changes > 0)
            #expect(phase.bytesUp >= 0)
            #expect(phase.bytesDown > 0)
            #expect(phase.staleness != nil)
        }
        let (polling, push) = (report.phases[0], report.phases[1])
        // A poll each half second and the two at the edges; fewer only where the machine has no time.
        #expect(polling.requests > 0)
        #expect(Double(polling.requests) <= 50 * (polling.seconds / 0.5 + 2))
        #expect(polling.unchanged > 0)
        #expect(polling.transactions > 0)
        #expect(push.requests > 0)
        #expect(polling.usage.map(\.name) == ["legacy API", "PostgreSQL", "load generator"])
        #expect(push.usage.map(\.name) == ["legacy API", "PostgreSQL", "Doorbell", "load generator"])
        #if os(Linux)
        #expect(polling.usage.allSatisfy { $0.cpuSeconds > 0 && $0.peakMemory > 0 })
        #endif
        simulation.expectNothingLeft()
    }

    @Test("with entity tags and a cache: a column each, and the table")
    func columns() async throws {
        let file = NSTemporaryDirectory() + "doorbell-page-\(getpid())-\(UInt32.random(in: 0 ... .max)).html"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let simulation = try Running(Self.small + ["--etag", "--cache", "--html", file])
        #expect(await simulation.untilEnded() == 0, "\(simulation.error)")
        for words in [
            "50 clients, a poll every 0.5 s each", "with ETags", "with cache", "push (WebSocket)",
            "× 3,600 s / 0.5 s = 360,000 requests an hour", "machine: ",
        ] { #expect(simulation.output.contains(words), "\(simulation.output)") }
        let page = try String(contentsOfFile: file, encoding: .utf8)
        #expect(page.hasPrefix("<!DOCTYPE html>"))
        #expect(page.contains("360,000 requests an hour"))
        for phase in ["polling", "with ETags", "with cache", "push (WebSocket)"] {
            #expect(simulation.error.contains("\(phase): measuring\n"), "\(simulation.error)")
        }
        simulation.expectNothingLeft()
    }

    @Test("Ctrl-C in the middle ends everything", arguments: [SIGINT, SIGTERM])
    func interrupt(signal: Int32) async throws {
        let simulation = try Running(["--clients", "50", "--interval", "1s", "--duration", "10m"])
        try await simulation.until("polling: measuring")
        kill(simulation.processID, signal)
        #expect(await simulation.untilEnded() == 128 + signal)
        #expect(simulation.error.contains("stopped; everything that was started is ended"), "\(simulation.error)")
        #expect(simulation.output == "")
        simulation.expectNothingLeft()
    }

    @Test("a child that dies is named, and ends it", arguments: ["simulated-api", "serve"])
    func death(command: String) async throws {
        let simulation = try Running(
            command == "serve"
                ? ["--clients", "20", "--interval", "500ms", "--duration", "4s"]
                : ["--clients", "20", "--interval", "500ms", "--duration", "10m"])
        try await simulation.until(command == "serve" ? "push (WebSocket): measuring" : "polling: measuring")
        let child = try #require(simulation.children.first { $0.words.contains(command) })
        kill(child.id, SIGKILL)
        #expect(await simulation.untilEnded() == 75, "\(simulation.error)")
        let name = command == "serve" ? "Doorbell" : "the legacy API"
        #expect(simulation.error.contains("doorbell: \(name) has ended by signal 9"), "\(simulation.error)")
        simulation.expectNothingLeft()
    }

    @Test("PostgreSQL that dies is named, too")
    func databaseDeath() async throws {
        let simulation = try Running(["--clients", "20", "--interval", "500ms", "--duration", "10m"])
        try await simulation.until("polling: measuring")
        kill(try #require(simulation.postgres), SIGKILL)
        #expect(await simulation.untilEnded() == 69, "\(simulation.error)")
        #expect(simulation.error.contains("doorbell: PostgreSQL has ended"), "\(simulation.error)")
        simulation.expectNothingLeft()
    }

    @Test("the simulator itself killed: its children end, and the next run removes the cluster")
    func killed() async throws {
        let simulation = try Running(["--clients", "20", "--interval", "500ms", "--duration", "10m"])
        try await simulation.until("polling: measuring")
        let children = simulation.children.filter { $0.words.contains("simulated-api") }
        #expect(children.count == 1)
        simulation.kill()
        for child in children { try await gone(child.id) }
        let next = try Running(["--clients", "1", "--interval", "100ms", "--duration", "1s"], in: simulation)
        #expect(await next.untilEnded() == 0, "\(next.error)")
        next.expectNothingLeft()
    }

    @Test(
        "options that make no sense are refused",
        arguments: [
            (["--clients", "0"], "--clients must be 1 to"), (["--clients", "x"], "--clients"),
            (["--interval", "2"], "'2' is not a duration"), (["--interval", "1ms"], "--interval must be"),
            (["--interval", "20s"], "--duration must be twice --interval"),
            (["--change-rate", "0"], "--change-rate must be"), (["--duration", "2h"], "--duration must be"),
            (["--transport", "pigeon"], "use one of ws, sse, long-poll"), (["--seed", "-1"], "--seed"),
            (["--interval", "100ms"], "50,000 polls a second"),
        ])
    func usage(arguments: [String], words: String) throws {
        let result = try DoorbellProcess.run(["simulate"] + arguments)
        #expect(result.status == 64)
        #expect(result.error.contains(words), "\(result.error)")
        #expect(result.error.contains("Usage:"), "\(result.error)")
    }

    @Test("a limit of open files that is too low is told before anything is started")
    func descriptors() throws {
        let (status, text) = try DoorbellProcess.run(shell: "ulimit -n 1000 && exec \"$0\" simulate --clients 900")
        #expect(status == 71)
        #expect(text.contains("900 clients need 1220 open files"), "\(text)")
        #expect(text.contains("--clients 680"), "\(text)")
    }

    @Test("a page that cannot be written is told before anything is started")
    func place() throws {
        let result = try DoorbellProcess.run(["simulate", "--html", "/none/page.html"])
        #expect(result.status == 71)
        #expect(result.error.contains("/none/page.html cannot be written"), "\(result.error)")
    }

    @Test("help names the command and not its child")
    func help() throws {
        let help = try DoorbellProcess.run(["--help"]).output
        #expect(help.contains("simulate"))
        #expect(!help.contains("simulated-api"))
        #expect(!(try DoorbellProcess.run(["serve", "--help"]).output.contains("end-with-input")))
    }

    // MARK: Inside

    private func gone(_ process: Int32) async throws {
        for _ in 0..<600 where kill(process, 0) == 0 { try await Task.sleep(for: .milliseconds(50)) }
        #expect(kill(process, 0) != 0, "process \(process) is still there")
    }

    /// What the tests read of `--json`.
    private struct Report: Decodable {
        struct Usage: Decodable {
            let name: String
            let cpuSeconds: Double
            let peakMemory: Double
        }
        struct Staleness: Decodable { let p99: Double }
        struct Phase: Decodable {
            let isPush: Bool
            let seconds: Double
            let connections, lost, requests, unchanged, failures, bytesUp, bytesDown, transactions, changes, missed: Int
            let strangers: Int
            let usage: [Usage]
            let staleness: Staleness?
        }
        let phases: [Phase]
    }

    /// The command, while it runs, with temporary files in a folder of its own.
    private final class Running: Sendable {
        private let folder: String
        private let temporary: String
        private let process = Locked<Process?>(nil)
        let processID: Int32

        /// - Parameter place: Whose temporary folder it uses; its own otherwise.
        init(_ arguments: [String], in place: Running? = nil) throws {
            folder = NSTemporaryDirectory() + "doorbell-it-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(atPath: folder + "/tmp", withIntermediateDirectories: true)
            temporary = place?.temporary ?? folder + "/tmp"
            // PostgreSQL's own user has to pass.
            for path in [folder, folder + "/tmp"] {
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }
            let started = Process()
            started.executableURL = URL(fileURLWithPath: DoorbellProcess.executable)
            started.arguments = ["simulate"] + arguments
            started.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": temporary]) { $1 }
            for (name, path) in [("output", folder + "/output"), ("error", folder + "/error")] {
                _ = FileManager.default.createFile(atPath: path, contents: nil)
                let file = FileHandle(forWritingAtPath: path)
                if name == "output" { started.standardOutput = file } else { started.standardError = file }
            }
            try started.run()
            processID = started.processIdentifier
            process.withLock { $0 = started }
        }

        deinit {
            if isRunning { kill() }
            try? FileManager.default.removeItem(atPath: folder)
        }

        var output: String { (try? String(contentsOfFile: folder + "/output", encoding: .utf8)) ?? "" }
        var error: String { (try? String(contentsOfFile: folder + "/error", encoding: .utf8)) ?? "" }
        private var isRunning: Bool { process.withLock { $0?.isRunning ?? false } }

        /// Until it says so on standard error.
        func until(_ text: String) async throws {
            for _ in 0..<2400 where isRunning {
                if error.contains(text) { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            throw DoorbellProcess.Failure(description: "no '\(text)' from it:\n\(error)")
        }

        /// - Returns: The exit code; `nil` when it does not end within two minutes.
        func untilEnded() async -> Int32? {
            for _ in 0..<2400 {
                if !isRunning { return process.withLock { $0?.terminationStatus } }
                try? await Task.sleep(for: .milliseconds(50))
            }
            return nil
        }

        /// `kill -9`. Not through `Process`, which waits until PostgreSQL has ended, too.
        func kill() {
            Foundation.kill(processID, SIGKILL)
            var status: Int32 = 0
            waitpid(processID, &status, 0)
            process.withLock { $0 = nil }
        }

        /// Of the simulation that runs: from `/proc`.
        var children: [(id: Int32, words: [String])] {
            let text =
                (try? String(contentsOfFile: "/proc/\(processID)/task/\(processID)/children", encoding: .utf8)) ?? ""
            let others = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/task")) ?? []
            let all = others.reduce(text) { text, thread in
                text + " "
                    + ((try? String(contentsOfFile: "/proc/\(processID)/task/\(thread)/children", encoding: .utf8))
                        ?? "")
            }
            return Set(all.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }).map { ($0, Self.words($0)) }
        }

        /// PostgreSQL's first process.
        var postgres: Int32? {
            let folders = (try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? []
            let file = folders.first { $0.hasPrefix("doorbell-pg-") }.map { "\(temporary)/\($0)/data/postmaster.pid" }
            return file.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) }?.split(separator: "\n").first
                .flatMap { Int32($0) }
        }

        /// No file in its folder, and no process that knows it: its children's arguments and PostgreSQL's have the folder's name.
        ///
        func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) {
            let files = ((try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? [])
            #expect(files == [], sourceLocation: sourceLocation)
            let processes = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap {
                Int32($0)
            }
            let left = processes.filter { process in
                Self.words(process).contains { $0.contains(temporary) } || Self.environment(process).contains(temporary)
            }
            #expect(left == [], "\(left.map(Self.words))", sourceLocation: sourceLocation)
        }

        private static func words(_ process: Int32) -> [String] {
            let data = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            return data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        }

        private static func environment(_ process: Int32) -> String {
            String(decoding: FileManager.default.contents(atPath: "/proc/\(process)/environ") ?? Data(), as: UTF8.self)
        }
    }
}
