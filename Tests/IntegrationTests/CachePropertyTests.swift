import DoorbellCapture
import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import DoorbellTesting
import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import Doorbell

/// The promise of the cache: no answer is older than what capture has told, which is at most `lag` ago, and whoever writes through the shim
/// reads what it wrote.
///
/// Writers add 1 to numbers, in the database and through the shim; pollers check each answer against the database's history. Meanwhile
/// capture's connections are cut, or held up so that nothing more is told. `DOORBELL_PROPERTY_SECONDS` (default 8) says how long.
@Suite(.serialized) struct CachePropertyTests {
    static let cells = 6
    static let lag = Duration.milliseconds(1500)

    @Test("no answer is older than the measured lag, and none hides its caller's own write", arguments: [true, false])
    func neverStale(leads: Bool) async throws {
        let seconds = ProcessInfo.processInfo.environment["DOORBELL_PROPERTY_SECONDS"].flatMap(Double.init) ?? 8
        let postgres = try ScratchPostgres()
        defer { postgres.remove() }
        let conninfo = try postgres.makeDatabase()
        try ScratchConnection(conninfo).run(
            """
            create table cells (id int primary key, v bigint not null default 0);
            insert into cells select i, 0 from generate_series(0, \(Self.cells - 1)) i;
            """)
        let table = QualifiedName(schema: "public", name: "cells")
        _ = try Installer(conninfo: conninfo, tables: [CapturedTable(table)]).install()
        let feature = Feature(
            name: "cells", poll: try PollPattern("GET /cells/{id}"),
            tables: [Feature.TableRule(table: table, channel: .template(try ChannelTemplate("cell:{id}")))],
            cache: Feature.Caching(maxAge: .seconds(5), identity: .public, revalidate: .origin))
        // The other one makes the ticks, as long as it lives.
        let other = leads ? nil : Capture(conninfo, sink: RecordingSink())
        if let other { try await until("the other one is live") { other.isLive } }
        let legacy = try await CacheLegacy(conninfo)
        let shim = try await CacheShim(conninfo, feature, legacy: legacy.url, lag: Self.lag)
        try await until("capture is live") { shim.isLive }

        let history = CommitHistory(cells: Self.cells)
        let figures = Locked(Figures())
        let end = ContinuousClock.now + .seconds(seconds)
        let writers = (0..<3).map { _ in
            BlockingWork { Self.write(conninfo, history, until: end) }
        }
        let disturbing = BlockingWork { Self.disturb(conninfo, until: end) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<6 {
                group.addTask {
                    try await Self.poll(as: caller, shim, history, figures, until: end)
                }
            }
            try await group.waitForAll()
        }
        for writer in writers { await writer.end() }
        await disturbing.end()
        await other?.stop()
        await shim.stop()
        let found = figures.withLock { $0 }
        print("cache: \(found), legacy \(legacy.requests) requests, \(history.count) commits")
        #expect(found.stale == [])
        #expect(found.fromMemory > 100 && found.writes > 10)
    }

    struct Figures {
        var polls = 0
        var fromMemory = 0
        var writes = 0
        var stale: [String] = []
    }

    /// Transactions of the application itself, some of them slow to commit.
    static func write(_ conninfo: String, _ history: CommitHistory, until end: ContinuousClock.Instant) {
        var connection: ScratchConnection?
        while ContinuousClock.now < end {
            let cell = Int.random(in: 0..<cells)
            do {
                let open = try connection ?? ScratchConnection(conninfo)
                connection = open
                let update = "update cells set v = v + 1 where id = \(cell) returning v"
                let rows: [[String?]]
                if Int.random(in: 0..<4) == 0 {
                    try open.run("begin")
                    rows = try open.run(update)
                    usleep(.random(in: 0..<30_000))
                    try open.run("commit")
                } else {
                    rows = try open.run(update)
                }
                if let number = rows.first?.first??.description, let version = Int(number) {
                    history.committed(version, of: cell)
                }
            } catch {
                connection = nil
            }
            usleep(.random(in: 0..<60_000))
        }
    }

    /// Cuts capture's connections, or holds them up for longer than `lag`.
    static func disturb(_ conninfo: String, until end: ContinuousClock.Instant) {
        guard let database = try? ScratchConnection(conninfo) else { return }
        var turn = 0
        while ContinuousClock.now < end {
            usleep(.random(in: 800_000..<1_800_000))
            let found = try? database.run("select pid from pg_stat_activity where application_name = 'doorbell'")
            guard let text = found?.randomElement()?.first ?? nil, let pid = pid_t(text) else { continue }
            turn += 1
            if turn.isMultiple(of: 2) {
                _ = try? database.run("select pg_terminate_backend(\(pid))")
            } else if kill(pid, SIGSTOP) == 0 {
                usleep(.random(in: 300_000..<2_500_000))
                kill(pid, SIGCONT)
            }
        }
    }

    static func poll(
        as caller: Int, _ shim: CacheShim, _ history: CommitHistory, _ figures: Locked<Figures>,
        until end: ContinuousClock.Instant
    ) async throws {
        let socket = try await RawClient(port: shim.port)
        /// What each tag stood for.
        var tags: [String: Int] = [:]
        var known: [Int: String] = [:]
        /// The newest version of each cell that this caller wrote itself.
        var own: [Int: Int] = [:]
        while ContinuousClock.now < end {
            let cell = Int.random(in: 0..<cells)
            if Int.random(in: 0..<25) == 0 {
                try await socket.send(
                    "POST /cells/\(cell) HTTP/1.1\r\nHost: a\r\nCookie: c=\(caller)\r\nContent-Length: 0\r\n\r\n")
                let answer = try await socket.answer()
                guard answer.status == 200, let version = Int(answer.text) else { continue }
                history.committed(version, of: cell)
                own[cell] = version
                figures.withLock { $0.writes += 1 }
                continue
            }
            let began = ContinuousClock.now
            let least = max(
                history.newest(of: cell, before: shim.covered), history.newest(of: cell, before: began - lag),
                own[cell] ?? 0)
            var request = "GET /cells/\(cell) HTTP/1.1\r\nHost: a\r\nCookie: c=\(caller)\r\n"
            if let tag = known[cell], Bool.random() { request += "If-None-Match: \(tag)\r\n" }
            if Int.random(in: 0..<100) == 0 { request += "Cache-Control: no-cache\r\n" }
            try await socket.send(request + "\r\n")
            let answer = try await socket.answer()
            var version: Int?
            switch answer.status {
            case 200:
                version = Int(answer.text)
                if let tag = answer["etag"], let version {
                    tags[tag] = version
                    known[cell] = tag
                }
            case 304: version = answer["etag"].flatMap { tags[$0] }
            default: continue
            }
            let isFromMemory = answer["server-timing"]?.contains("desc=cache") == true
            figures.withLock { figures in
                figures.polls += 1
                if isFromMemory { figures.fromMemory += 1 }
                if version.map({ $0 < least }) ?? true {
                    figures.stale.append(
                        "cell \(cell): \(version.map(String.init) ?? "nothing") instead of \(least), own \(own[cell] ?? 0), "
                            + "\(answer.status) from \(isFromMemory ? "memory" : "the legacy API")")
                }
            }
        }
        await socket.close()
    }
}

/// When each version of each cell was known to be committed: versions have no gaps, and a later one is committed later.
final class CommitHistory: Sendable {
    private let commits: Locked<[[(version: Int, at: ContinuousClock.Instant)]]>

    init(cells: Int) { commits = Locked(Array(repeating: [], count: cells)) }

    var count: Int { commits.withLock { $0.reduce(0) { $0 + $1.count } } }

    /// Call when the commit has been acknowledged.
    func committed(_ version: Int, of cell: Int) {
        let now = ContinuousClock.now
        commits.withLock { $0[cell].append((version, now)) }
    }

    /// The newest version that had been acknowledged before `moment`; 0: none.
    func newest(of cell: Int, before moment: ContinuousClock.Instant?) -> Int {
        guard let moment else { return 0 }
        return commits.withLock { commits in
            commits[cell].reduce(0) { $1.at < moment ? max($0, $1.version) : $0 }
        }
    }
}

/// Capture by itself.
final class Capture: Sendable {
    private let task: Task<Void, any Error>
    private let sink: RecordingSink

    init(_ conninfo: String, sink: RecordingSink) {
        self.sink = sink
        let service = CaptureService(
            configuration: CaptureConfiguration(conninfo: conninfo), sink: sink, logger: quiet)
        task = Task { try await service.run() }
    }

    var isLive: Bool { sink.status.isLive }

    func stop() async {
        task.cancel()
        _ = try? await task.value
    }
}

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Capture, hub, shim and server in this process, put together as the service does.
final class CacheShim: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    private let server: Server
    private let upstream: HTTPUpstream
    private let pipeline: ChangePipeline
    private let capture: Task<Void, any Error>
    private let told = Locked<ContinuousClock.Instant?>(nil)

    /// Everything committed before it is known to the cache.
    var covered: ContinuousClock.Instant? { told.withLock { $0 } }
    var isLive: Bool { pipeline.captureStatus.isLive }
    var port: Int { server.boundPort ?? 0 }

    init(_ conninfo: String, _ feature: Feature, legacy: String, lag: Duration) async throws {
        let hub = Hub(now: SystemClock.now)
        let catalog = FeatureCatalog([feature])
        var settings = UpstreamConfiguration(url: legacy)
        settings.cacheLag = lag
        let upstream = try HTTPUpstream(
            configuration: settings, features: catalog, hub: hub, ledger: nil, group: group, now: SystemClock.now)
        let server = Server(
            configuration: ServerConfiguration(port: 0), features: catalog, hub: hub, gateway: upstream, group: group,
            logger: quiet, now: SystemClock.now)
        let told = told
        let pipeline = ChangePipeline(
            hub: hub, features: [feature],
            parity: ParityRecorder(features: [feature], hub: hub, now: SystemClock.now, isCompared: { _ in false }),
            commentary: nil, logger: quiet,
            onStatus: { status in
                upstream.captureChanged(to: status)
                server.captureChanged(to: status)
            },
            onCovered: { moment in
                upstream.covered(before: moment)
                told.withLock { $0 = moment }
            })
        try await server.start()
        let service = CaptureService(
            configuration: CaptureConfiguration(conninfo: conninfo), sink: pipeline, logger: quiet)
        capture = Task { try await service.run() }
        (self.server, self.upstream, self.pipeline) = (server, upstream, pipeline)
    }

    func stop() async {
        await server.stop(within: .zero)
        capture.cancel()
        _ = try? await capture.value
        try? await upstream.shutdown()
        try? await group.shutdownGracefully()
    }
}
