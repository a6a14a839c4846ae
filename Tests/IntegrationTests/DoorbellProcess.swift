import DoorbellCore
import DoorbellTesting
import Foundation

/// The `doorbell` command as a child process, as a user runs it.
final class DoorbellProcess: Sendable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    struct Result {
        let status: Int32
        let output: String
        let error: String
    }

    let folder: String
    /// Whether `doorbell.yaml` has `tls`.
    let isSecure: Bool
    let port: Int
    let adminPort: Int
    private let child = Locked<Process?>(nil)

    /// The command that was built beside the tests.
    static let executable =
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/doorbell"

    /// - Parameters:
    ///   - configuration: `doorbell.yaml` without `listen` and `admin`.
    ///   - admin: The host of the admin port.
    init(configuration: String, admin host: String = "127.0.0.1", adminToken: String? = nil) throws {
        isSecure = configuration.contains("\ntls:")
        folder = NSTemporaryDirectory() + "doorbell-it-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        port = try freePort()
        adminPort = try freePort()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let admin = adminToken.map { "{ listen: '\(host):\(adminPort)', token: '\($0)' }" } ?? "\(host):\(adminPort)"
        let text = "listen: 127.0.0.1:\(port)\nadmin: \(admin)\n" + configuration
        try text.write(toFile: folder + "/doorbell.yaml", atomically: true, encoding: .utf8)
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(atPath: folder)
    }

    var log: String { (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "" }

    /// Runs a command to its end.
    @discardableResult
    static func run(
        _ arguments: [String], environment: [String: String] = [:], in folder: String = "/", unprivileged: Bool = false
    ) throws -> Result {
        let process = Process()
        use(arguments, unprivileged: unprivileged, in: process)
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        // Errors are a few lines: they fit the pipe while the output is being read.
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            error: String(decoding: complaint, as: UTF8.self))
    }

    @discardableResult
    func command(_ name: String, _ arguments: [String] = []) throws -> Result {
        try Self.run([name, "--config", folder + "/doorbell.yaml"] + arguments)
    }

    /// - Parameter unprivileged: As a user without rights, when this process is root; root may do what others may not.
    private static func use(_ arguments: [String], unprivileged: Bool, in process: Process) {
        guard unprivileged, getuid() == 0 else {
            process.executableURL = URL(fileURLWithPath: executable)
            process.arguments = arguments
            return
        }
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", executable] + arguments
    }

    /// Runs a command whose standard output is a file, or a pipe that nobody reads from.
    ///
    /// - Returns: The exit code, and what is on standard error.
    static func run(_ arguments: [String], output: String?) throws -> (status: Int32, error: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        let (pipe, error) = (Pipe(), Pipe())
        if let output {
            process.standardOutput = FileHandle(forWritingAtPath: output)
        } else {
            try pipe.fileHandleForReading.close()
            process.standardOutput = pipe.fileHandleForWriting
        }
        process.standardError = error
        try process.run()
        let text = error.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }

    /// A shell's line, in which `$0` is the command and `$1` the first of `arguments`; what it says on standard error.
    static func run(shell line: String, _ arguments: [String] = []) throws -> (status: Int32, error: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", line, executable] + arguments
        let error = Pipe()
        process.standardError = error
        try process.run()
        let text = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    /// Starts `doorbell serve`.
    ///
    /// - Parameter output: Standard output; `nil`: the log.
    func serve(_ arguments: [String] = [], output: String? = nil, unprivileged: Bool = false) throws {
        let process = Process()
        Self.use(
            ["serve", "--config", folder + "/doorbell.yaml"] + arguments, unprivileged: unprivileged, in: process)
        _ = FileManager.default.createFile(atPath: folder + "/log", contents: nil)
        let log = FileHandle(forWritingAtPath: folder + "/log")
        process.standardOutput = output.map { FileHandle(forWritingAtPath: $0) } ?? log
        process.standardError = log
        try process.run()
        child.withLock { $0 = process }
    }

    /// Until `/_doorbell/health/ready` says so.
    func untilReady(within seconds: Double = 30) async throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while Date() < deadline {
            if try await get("/_doorbell/health/ready").status == 200 { return }
            guard child.withLock({ $0?.isRunning ?? false }) else {
                throw Failure(description: "it has ended:\n\(log)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Failure(description: "not ready after \(seconds) s:\n\(log)")
    }

    /// `kill -9`, as a crash.
    func kill() {
        child.withLock { process in
            guard let running = process, running.isRunning else { return }
            Foundation.kill(running.processIdentifier, SIGKILL)
            running.waitUntilExit()
            process = nil
        }
    }

    /// SIGTERM. - Returns: The exit code.
    func terminate() -> Int32? {
        guard let running = child.withLock({ $0 }) else { return nil }
        running.terminate()
        running.waitUntilExit()
        return running.terminationStatus
    }

    /// Does not wait for what comes of it.
    func send(signal: Int32) {
        guard let running = child.withLock({ $0 }) else { return }
        Foundation.kill(running.processIdentifier, signal)
    }

    /// How often each of its threads has fallen asleep so far.
    func sleeps() throws -> [String: Int] {
        guard let running = child.withLock({ $0 }) else { return [:] }
        let tasks = "/proc/\(running.processIdentifier)/task"
        var sleeps: [String: Int] = [:]
        for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
            // A thread may have ended meanwhile.
            guard let status = try? String(contentsOfFile: "\(tasks)/\(task)/status", encoding: .utf8),
                let line = status.split(separator: "\n").first(where: { $0.hasPrefix("voluntary_ctxt_switches:") })
            else { continue }
            sleeps[task] = Int(line.filter(\.isNumber))
        }
        return sleeps
    }

    /// - Returns: The exit code.
    func untilEnded() -> Int32? {
        guard let running = child.withLock({ $0 }) else { return nil }
        running.waitUntilExit()
        return running.terminationStatus
    }

    /// A GET with curl's patience, over HTTP/2 where the service speaks TLS; status 0 when nobody answers.
    func get(
        _ path: String, port: Int? = nil, headers: [String] = []
    ) async throws -> (status: Int, headers: String, body: String) {
        let scheme = isSecure && port == nil ? "https" : "http"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["curl", "-s", "-k", "-i", "-m", "5"] + headers.flatMap { ["-H", $0] }
            + ["\(scheme)://127.0.0.1:\(port ?? self.port)\(path)"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let halves = text.range(of: "\r\n\r\n")
        let head = halves.map { String(text[..<$0.lowerBound]) } ?? text
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return (status, head, halves.map { String(text[$0.upperBound...]) } ?? "")
    }
}
