import DoorbellCore
import Foundation

/// A process that the simulation started. Ends when its standard input does, and so with the simulation, however that ends.
final class ChildProcess: Sendable {
    /// For people: `the legacy API`.
    let name: String
    let processID: Int32
    private let log: String
    /// Closing it ends the child.
    private let lifeline: Pipe
    private let ending: Locked<Ending?>

    struct Ending: Equatable, Sendable {
        let status: Int32
        let isSignal: Bool

        var text: String { isSignal ? "ended by signal \(status)" : "ended with \(status)" }
    }

    /// - Parameter log: Where its output goes.
    /// - Throws: ``DoorbellError`` of ``DoorbellError/Code/system``.
    init(_ name: String, program: String, _ arguments: [String], log: String) throws {
        let process = Process()
        let lifeline = Pipe()
        let ending = Locked<Ending?>(nil)
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        // What is set for the user's own service is not meant for this one.
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("DOORBELL_") }
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let output = FileHandle(forWritingAtPath: log)
        defer { try? output?.close() }
        process.standardInput = lifeline
        process.standardOutput = output
        process.standardError = output
        process.terminationHandler = { process in
            let result = Ending(
                status: process.terminationStatus, isSignal: process.terminationReason == .uncaughtSignal)
            ending.withLock { $0 = result }
        }
        do {
            try process.run()
        } catch {
            throw DoorbellError(.system, "cannot start \(name), \(program): \(error)")
        }
        (self.name, self.log, self.lifeline, self.ending) = (name, log, lifeline, ending)
        self.processID = process.processIdentifier
    }

    /// `nil` while it runs.
    var ended: Ending? { ending.withLock { $0 } }

    /// Returns the first line of its output that `match` makes something of.
    ///
    /// - Throws: When the child ends, or after `seconds`.
    func line<Value>(within seconds: Double = 30, _ match: (Substring) -> Value?) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let isOver = ended != nil
            let text = output
            // Without what is not a whole line yet.
            let whole = text.lastIndex(of: "\n").map { text[...$0] } ?? ""
            for line in whole.split(separator: "\n") {
                if let value = match(line) { return value }
            }
            if isOver || ContinuousClock.now > deadline { throw failure }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Waits for its end. - Throws: When it does not end with 0.
    func untilDone() async throws {
        while ended == nil { try await Task.sleep(for: .milliseconds(20)) }
        guard ended == Ending(status: 0, isSignal: false) else { throw failure }
    }

    /// What happened, with the last lines of its output.
    var failure: DoorbellError {
        let lines = output.split(separator: "\n").suffix(5).map { "  " + $0.prefix(500) }
        let what = ended.map { "has \($0.text)" } ?? "does not answer"
        return DoorbellError(
            .service, "\(name) \(what)\(lines.isEmpty ? "" : "; its last lines:\n" + lines.joined(separator: "\n"))")
    }

    /// Ends it, in order at first; returns when it is gone.
    func stop() async {
        try? lifeline.fileHandleForWriting.close()
        for attempt in 0..<400 where ended == nil {
            // 8 s later it is not asked any more.
            if attempt == 320 { kill(processID, SIGKILL) }
            try? await Task.sleep(for: .milliseconds(25))
        }
    }

    private var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
}
