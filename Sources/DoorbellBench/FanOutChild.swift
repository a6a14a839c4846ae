import DoorbellTesting
import Foundation

/// A program that takes commands on standard input and answers each with a line: a server or the load generator.
///
/// Every one of them ends when its standard input does, so that none outlives the bench.
final class FanOutChild {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var received: [UInt8] = []
    let name: String
    var processIdentifier: Int32 { process.processIdentifier }

    /// - Parameter core: The processor it may run on; `nil` for any.
    init(_ program: String, _ arguments: [String], core: Int?, environment: [String: String] = [:]) throws {
        name = (program as NSString).lastPathComponent
        if let core, Self.canPin {
            process.executableURL = URL(fileURLWithPath: Self.taskset)
            process.arguments = ["-c", "\(core)", program] + arguments
        } else {
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = arguments
        }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    private static let taskset = "/usr/bin/taskset"
    /// Whether server and load can be kept apart.
    static let canPin =
        FileManager.default.isExecutableFile(atPath: taskset) && ProcessInfo.processInfo.activeProcessorCount > 1

    func send(_ line: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    }

    /// The next line that the child writes.
    ///
    /// - Throws: ``BenchFailure`` when it has ended or says nothing in time.
    func line(within seconds: Double) throws -> String {
        let deadline = Moment.now + UInt64(seconds * 1e9)
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return line
            }
            let now = Moment.now
            guard now < deadline else { throw BenchFailure("\(name) did not answer in \(Int(seconds)) s") }
            let file = output.fileHandleForReading.fileDescriptor
            var watched = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1)) > 0 else { continue }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = read(file, &bytes, bytes.count)
            guard count > 0 else { throw BenchFailure("\(name) has ended") }
            received += bytes[..<count]
        }
    }

    /// Ends the child: by the end of its input, and by force if that does not do within two seconds.
    func stop() {
        try? input.fileHandleForWriting.close()
        let deadline = Moment.now + 2_000_000_000
        while process.isRunning, Moment.now < deadline { Moment.wait(until: Moment.now + 5_000_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}
