import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import Logging
import NIOCore
import NIOPosix

/// A server on a free port with a hub that the test drives and a legacy API made of closures.
final class TestServer: Sendable {
    let hub: Hub
    let gateway = FakeGateway()
    let server: Server
    let features: [Feature]
    let deliveries = Deliveries()
    let rollouts: RolloutBoard
    let pollers = PollerBook()
    private let group: MultiThreadedEventLoopGroup
    private let nextSeq = Locked<UInt64>(1)

    static let floor = Position(epoch: 1, tick: 1, seq: 0)

    init(
        features: [Feature], database: FakeDatabase? = nil, configure: (inout ServerConfiguration) -> Void = { _ in },
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        now: @escaping @Sendable () -> Timestamp = { Timestamp(microseconds: 1_000_000_000) }
    ) async throws {
        self.features = features
        group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        hub = Hub(now: now)
        rollouts = RolloutBoard(features: features)
        var configuration = ServerConfiguration(port: 0)
        // No deadline but those that a test is about: a test may be held up for any time between two of its steps.
        configuration.headerTimeout = .seconds(3600)
        configuration.idleTimeout = .seconds(3600)
        configuration.stallTimeout = .seconds(3600)
        configuration.session.heartbeat = .seconds(3600)
        configure(&configuration)
        server = Server(
            configuration: configuration, features: FeatureCatalog(features), hub: hub, gateway: gateway,
            publisher: database, cursors: database, rollouts: rollouts, pollers: pollers, group: group,
            observer: deliveries,
            logger: logger, now: now)
        hub.open(floor: Self.floor)
        server.captureChanged(to: .live(leader: true))
        try await server.start()
    }

    var port: Int { server.boundPort ?? 0 }

    func stop() async {
        await server.stop(within: .zero)
        try? await group.shutdownGracefully()
    }

    /// Somebody has moved a feature, on whatever node.
    func move(_ feature: Int = 0, to stage: Stage, percent: String? = nil) {
        rollouts.learn([features[feature].name: Rollout(stage, percent: percent.flatMap { Percent($0) })])
    }

    /// Publishes one insert on `channel` for each text, all in one batch.
    ///
    /// - Parameter keys: Of the rows; `nil`: all are the same row.
    @discardableResult
    func publish(_ texts: [String], on channel: String, feature: Int = 0, keys: [Int]? = nil) throws -> Position {
        let name = try unwrap(ChannelName(channel))
        var drafts: [Draft] = []
        for (index, text) in texts.enumerated() {
            let key = Array(#"{"id":\#(keys?[index] ?? 1)}"#.utf8)
            let seq = nextSeq.withLock { seq in
                seq += 1
                return seq
            }
            var data = Array(#"{"text":"#.utf8)
            JSONWriter.string(text, to: &data)
            data.append(0x7D)
            let renditions = features[feature].versions.map {
                Publication.Rendition(version: $0.version, key: key, data: data, changed: nil)
            }
            drafts.append(
                Draft(
                    feature: features[feature], audience: .channel(name), content: .change(.insert, renditions),
                    position: Position(epoch: 1, tick: 2, seq: seq),
                    committedAt: Timestamp(microseconds: 999_000_000)))
        }
        let head = try unwrap(drafts.last?.position)
        hub.publish(drafts, head: head)
        return head
    }

    final class Deliveries: ServerObserver {
        private let all = Locked<[PushDelivery]>([])
        private let open = Locked(0)
        private let begun = Locked(0)
        private let lost = Locked(0)
        private let slow = Locked(SendBuffers())
        var buffers: SendBuffers { slow.withLock { $0 } }
        var list: [PushDelivery] { all.withLock { $0 } }
        var openSubscriptions: Int { open.withLock { $0 } }
        /// Subscriptions that ever began.
        var subscribed: Int { begun.withLock { $0 } }
        /// Subscriptions that ended with their connections.
        var lostSubscriptions: Int { lost.withLock { $0 } }
        func delivered(_ delivery: PushDelivery) { all.withLock { $0.append(delivery) } }
        func caughtUp(_ delivery: PushDelivery) {}
        func subscribed(_ subscription: PushSubscription) {
            open.withLock { $0 += 1 }
            begun.withLock { $0 += 1 }
        }
        func unsubscribed(feature: Feature, cohort: Ledger.Cohort, isLast: Bool, isLost: Bool) {
            if isLost { lost.withLock { $0 += 1 } }
            open.withLock { $0 -= 1 }
        }
        func moved(feature: Feature, to cohort: Ledger.Cohort, subscriptions: Int) {}
        func buffered(feature: Feature, cohort: Ledger.Cohort, _ buffers: SendBuffers) {
            slow.withLock { $0.add(buffers) }
        }
        func pushing(feature: Feature, cohort: Ledger.Cohort, bytesUp: Int, bytesDown: Int, originRequests: Int) {}
    }
}

/// Runs `body` against a server and ends it, also after a failure.
func withServer(
    _ features: [Feature], database: FakeDatabase? = nil,
    configure: (inout ServerConfiguration) -> Void = { _ in },
    logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
    now: @escaping @Sendable () -> Timestamp = { Timestamp(microseconds: 1_000_000_000) },
    _ body: (TestServer) async throws -> Void
) async throws {
    let server = try await TestServer(
        features: features, database: database, configure: configure, logger: logger, now: now)
    do {
        try await body(server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}
