import DoorbellTesting
import Foundation

/// A running service in a process of its own: its processor time can be told from the bench's.
final class ServiceChild {
    private let process = Process()
    /// Closing it ends the child.
    private let lifeline = Pipe()
    private let file: String
    /// Where clients connect, on 127.0.0.1.
    let port: Int
    var usage: ProcessUsage { ProcessUsage(process.processIdentifier) }

    /// Returns when the service listens; capture may still be reading.
    ///
    /// - Parameter configuration: The text of `doorbell.yaml`.
    init(configuration: String) throws {
        self.file = NSTemporaryDirectory() + "doorbell-bench-\(getpid())-\(UInt32.random(in: 0 ... .max)).yaml"
        try configuration.write(toFile: file, atomically: false, encoding: .utf8)
        let output = Pipe()
        process.executableURL = Bundle.main.executableURL
        process.arguments = ["--serve", file]
        process.standardInput = lifeline
        process.standardOutput = output
        try process.run()
        var line = ""
        while !line.hasSuffix("\n") {
            let data = output.fileHandleForReading.availableData
            if data.isEmpty { break }
            line += String(decoding: data, as: UTF8.self)
        }
        guard let port = Int(line.dropLast()) else { throw BenchFailure("the service did not start") }
        self.port = port
    }

    /// Ends the service and waits for it.
    func stop() {
        process.terminate()
        process.waitUntilExit()
        unlink(file)
    }
}
