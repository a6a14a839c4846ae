import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Logging

/// One database with Doorbell installed, and a service that runs on it.
final class CaptureHarness: Sendable {
    /// One cluster for all tests of the process, a database for each.
    static let cluster = Result { try ScratchPostgres() }

    let conninfo: String
    let sink: RecordingSink
    let configuration: CaptureConfiguration
    private let task: Task<Void, any Error>

    init(
        conninfo: String, sink: RecordingSink = RecordingSink(),
        configure: (inout CaptureConfiguration) -> Void = { _ in }
    ) {
        var configuration = CaptureConfiguration(conninfo: conninfo)
        configure(&configuration)
        self.conninfo = conninfo
        self.sink = sink
        self.configuration = configuration
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let service = CaptureService(configuration: configuration, sink: sink, logger: logger)
        self.task = Task { try await service.run() }
    }

    deinit { task.cancel() }

    /// Makes tables, installs, starts, waits until it is live.
    static func live(
        _ schema: String, tables: [CapturedTable], on cluster: ScratchPostgres? = nil,
        configure: (inout CaptureConfiguration) -> Void = { _ in }
    ) async throws -> (CaptureHarness, ScratchConnection) {
        let conninfo = try (cluster ?? CaptureHarness.cluster.get()).makeDatabase()
        let app = try ScratchConnection(conninfo)
        try app.run(schema)
        _ = try Installer(conninfo: conninfo, tables: tables).install()
        let harness = CaptureHarness(conninfo: conninfo, configure: configure)
        try await harness.untilLive()
        return (harness, app)
    }

    func untilLive() async throws { try await sink.wait(for: "live capture") { $0.status.isLive } }

    func stop() async throws {
        task.cancel()
        try await task.value
    }

    /// The first `count` changes as `op table before -> after` once they are there.
    func changes(_ count: Int) async throws -> [String] {
        try await sink.wait(for: "\(count) changes") { $0.changes.count + $0.unreadable.count >= count }
        return sink.changes.map(Self.text)
    }

    static func text(_ change: Change) -> String {
        let images = [change.before, change.after].compactMap { $0 }.map { String(decoding: $0.json, as: UTF8.self) }
        return (["\(change.operation) \(change.relation.name)"] + images).joined(separator: " ")
    }
}

extension CapturedTable {
    static func named(_ text: String, mode: CaptureMode = .row) -> CapturedTable {
        CapturedTable(QualifiedName(text) ?? QualifiedName(schema: "public", name: text), mode: mode)
    }
}
