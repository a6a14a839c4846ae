import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import Logging
import NIOCore
import NIOPosix

/// A server with a real shim in front of a legacy API.
struct TestShim {
    let hub: Hub
    let upstream: HTTPUpstream
    let server: Server
    let ledger: LedgerRecorder
    let rollouts: RolloutBoard
    let pollers = PollerBook()
    private let group: MultiThreadedEventLoopGroup

    init(
        legacy port: Int, features: [Feature], isLive: Bool, isOpen: Bool,
        configure: (inout UpstreamConfiguration) -> Void, listen: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let now: @Sendable () -> Timestamp = { Timestamp(microseconds: 1_000_000_000) }
        hub = Hub(now: now)
        rollouts = RolloutBoard(features: features)
        ledger = LedgerRecorder(features: features.map(\.name), now: now)
        var settings = UpstreamConfiguration(url: "http://127.0.0.1:\(port)")
        configure(&settings)
        let catalog = FeatureCatalog(features)
        upstream = try HTTPUpstream(
            configuration: settings, features: catalog, hub: hub, ledger: ledger, rollouts: rollouts, pollers: pollers,
            group: group,
            now: now)
        var listening = ServerConfiguration(port: 0)
        // A test may be held up for any time between two of its steps.
        listening.headerTimeout = .seconds(3600)
        listening.idleTimeout = .seconds(3600)
        listening.stallTimeout = .seconds(3600)
        listen(&listening)
        server = Server(
            configuration: listening, features: catalog, hub: hub, gateway: upstream, rollouts: rollouts,
            pollers: pollers, group: group,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: now)
        if isOpen { hub.open(floor: Position(epoch: 1, tick: 1, seq: 0)) }
        if isLive {
            server.captureChanged(to: .live(leader: true))
            upstream.captureChanged(to: .live(leader: true))
        }
        try await server.start()
    }

    /// What was counted of one path, of all features.
    func counts(_ path: Ledger.Path) -> LedgerCounts {
        ledger.memory.minutes.flatMap(\.lines).filter { $0.key.path == path }.reduce(into: LedgerCounts()) {
            sum, line in
            sum.add(line.value)
        }
    }

    /// Of polls of all kinds.
    var polls: LedgerCounts {
        [.poll, .conditional, .held].reduce(into: LedgerCounts()) { $0.add(counts($1)) }
    }

    var port: Int { server.boundPort ?? 0 }

    func stop() async {
        await server.stop(within: .zero)
        try? await upstream.shutdown()
        try? await group.shutdownGracefully()
    }

    /// One request on a connection of its own.
    func request(_ text: String, isHead: Bool = false) async throws -> HTTPAnswer {
        let raw = try await RawClient(port: port)
        try await raw.send(text)
        let answer = try await raw.answer(toHead: isHead)
        await raw.close()
        return answer
    }

    func get(_ target: String, headers: [String] = []) async throws -> HTTPAnswer {
        try await request(
            "GET \(target) HTTP/1.1\r\nHost: shop.test\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n")
    }

    /// Publishes one change on `channel`, committed so many seconds before the test's clock.
    func publish(_ feature: Feature, on channel: String, seq: UInt64, secondsAgo: Int64) {
        guard let name = ChannelName(channel) else { return }
        let position = Position(epoch: 1, tick: 2, seq: seq)
        let draft = Draft(
            feature: feature, audience: .channel(name), content: .signal, position: position,
            committedAt: Timestamp(microseconds: 1_000_000_000 - secondsAgo * 1_000_000))
        hub.publish([draft], head: position)
    }
}

/// A legacy API that a test makes.
protocol TestLegacy: Sendable {
    var port: Int { get }
    func stop() async
}

extension LegacyServer: TestLegacy {}
extension TranscriptServer: TestLegacy {}

/// Runs `body` with a shim in front of `legacy` and ends both.
func withShim(
    _ legacy: some TestLegacy, features: [Feature] = [], isLive: Bool = true, isOpen: Bool = true,
    configure: (inout UpstreamConfiguration) -> Void = { _ in }, _ body: (TestShim) async throws -> Void
) async throws {
    do {
        try await withShim(
            legacyPort: legacy.port, features: features, isLive: isLive, isOpen: isOpen, configure: configure, body)
    } catch {
        await legacy.stop()
        throw error
    }
    await legacy.stop()
}

/// Runs `body` with a shim in front of whatever listens on a port of this machine, and ends the shim.
func withShim(
    legacyPort: Int, features: [Feature] = [], isLive: Bool = true, isOpen: Bool = true,
    configure: (inout UpstreamConfiguration) -> Void = { _ in },
    listen: (inout ServerConfiguration) -> Void = { _ in }, _ body: (TestShim) async throws -> Void
) async throws {
    let shim = try await TestShim(
        legacy: legacyPort, features: features, isLive: isLive, isOpen: isOpen, configure: configure, listen: listen)
    do {
        try await body(shim)
    } catch {
        await shim.stop()
        throw error
    }
    await shim.stop()
}

/// Looks until a figure stands still, then returns it.
func settled(_ figure: () async throws -> Int) async throws -> Int {
    var last = try await figure()
    while true {
        try await Task.sleep(for: .milliseconds(150))
        let next = try await figure()
        if next == last { return next }
        last = next
    }
}
