import Foundation

/// The load generator, in a process and on a processor of its own.
final class FanOutLoadChild {
    /// What it answers. Each command fills some of it.
    struct Reply: Decodable {
        var error: String?
        /// Connections that are subscribed.
        var open: Int?
        /// Not answered with 101.
        var refused: Int?
        /// Not connected, or closed too early.
        var failed: Int?
        /// Closed by the server later on.
        var lost: Int?
        var seconds: Double?
        var messages: Int?
        var frames: Int?
        var bytes: Int?
        /// Milliseconds.
        var p50: Double?
        var p99: Double?
        var max: Double?
        /// Messages of the connection with the fewest.
        var least: Int?
        var cycles: Int?
        /// Messages that could not be handed to a server that takes them by HTTP.
        var unpublished: Int?
    }

    private let child: FanOutChild

    init(_ server: FanOutServer, isPrivate: Bool = false, isSubscribing: Bool = true) throws {
        child = try FanOutChild(
            try Self.program("FanOutLoad"),
            ["--port", "\(server.port)"]
                + server.kind.loadArguments(isPrivate: isPrivate, isSubscribing: isSubscribing),
            core: FanOut.loadCore)
    }

    /// The path of a program that was built with the bench.
    static func program(_ name: String) throws -> String {
        let folder = Bundle.main.executableURL?.deletingLastPathComponent()
        guard let path = folder?.appendingPathComponent(name).path, FileManager.default.isExecutableFile(atPath: path)
        else { throw BenchFailure("\(name) is not built: swift build -c release --product \(name)") }
        return path
    }

    /// - Parameter seconds: What the command itself may take.
    @discardableResult
    func ask(_ command: String, within seconds: Double = 10) throws -> Reply {
        try child.send(command)
        let line = try child.line(within: seconds + 20)
        let reply = try JSONDecoder().decode(Reply.self, from: Data(line.utf8))
        if let error = reply.error { throw BenchFailure("the load generator: \(error)") }
        return reply
    }

    /// - Parameter window: Handshakes in progress at most.
    func connect(_ count: Int, window: Int = 200, within seconds: Double = 60) throws -> Reply {
        try ask("connect \(count) \(window) \(seconds)", within: seconds)
    }

    func wait(for messages: Int, within seconds: Double) throws -> Reply {
        try ask("wait \(messages) \(seconds)", within: seconds)
    }

    func stop() { child.stop() }
}
