import DoorbellClient
import DoorbellCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The clients of one phase, each with a connection of its own, on one thread.
final class ClientFleet: Sendable {
    /// Connections that are being made at a time: more would only fill the server's backlog.
    private static let opening = 128
    private static let patience = TimeAmount.seconds(60)

    let record: Locked<FleetRecord>
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let start: EventLoopPromise<NIODeadline>
    private let rules: FleetRules
    private let plan: SimulationPlan
    private let isClosing = Atomic<Bool>(false)

    /// - Parameter port: Of the server, on 127.0.0.1.
    init(_ plan: SimulationPlan, _ kind: PhaseKind, port: Int, book: PhaseBook) {
        self.plan = plan
        record = Locked(FleetRecord(book: book))
        start = group.next().makePromise()
        rules = FleetRules(
            port: port, kind: kind, interval: .nanoseconds(Int64(plan.interval * 1e9)), record: record,
            start: start.futureResult)
    }

    /// Connects all of them; those that are pushed to are subscribed when it returns.
    ///
    /// - Throws: ``DoorbellError`` of ``DoorbellError/Code/service`` when one of them cannot; `CancellationError`.
    func open() async throws {
        var random = SplitMix(state: plan.seed ^ 0x5EED)
        let shares = (0..<plan.clients).map { _ in Double.random(in: 0..<1, using: &random) }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for user in 1...plan.clients {
                if user > Self.opening { try await tasks.next() }
                try Task.checkCancellation()
                tasks.addTask { try await self.open(user, share: shares[user - 1]) }
            }
            try await tasks.waitForAll()
        }
    }

    /// Those that poll begin, each at its own time within the first interval.
    func begin() { start.succeed(.now()) }

    /// Ends all connections.
    func close() async {
        isClosing.store(true, ordering: .relaxed)
        start.fail(CancellationError())
        try? await group.shutdownGracefully()
    }

    private func open(_ user: Int, share: Double) async throws {
        do {
            if rules.kind == .push(.webSocket) { try await openWebSocket(user) } else { try await connect(user, share) }
            record.withLock { $0.opened() }
        } catch {
            throw DoorbellError(.service, "client \(user) of \(plan.clients) could not connect: \(error)")
        }
    }

    // MARK: HTTP

    private func connect(_ user: Int, _ share: Double) async throws {
        let ready = group.next().makePromise(of: Void.self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: group)
                .connectTimeout(Self.patience)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { [rules] channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(TrafficCounter(rules.record))
                        try pipeline.addHTTPClientHandlers()
                        switch rules.kind {
                        case .polling, .conditional, .cached:
                            try pipeline.addHandler(PollingClient(user: user, share: share, rules: rules))
                            ready.succeed()
                        case .push(.heldPoll):
                            try pipeline.addHandler(HeldPollClient(user: user, rules: rules, ready: ready))
                        case .push:
                            try pipeline.addHandler(EventStreamClient(user: user, rules: rules, ready: ready))
                        }
                    }
                }
                .connect(host: "127.0.0.1", port: rules.port).get()
        } catch {
            ready.fail(error)
            throw error
        }
        channel.eventLoop.scheduleTask(in: Self.patience) { ready.fail(ConnectError.timedOut) }
        try await ready.futureResult.get()
        watch(channel.closeFuture)
    }

    // MARK: WebSocket

    private func openWebSocket(_ user: Int) async throws {
        let ready = group.next().makePromise(of: Void.self)
        var options = ConnectionOptions()
        options.readSize = 2048
        options.handshakeTimeout = Self.patience
        options.prepare = { [record] channel in
            try channel.pipeline.syncOperations.addHandler(TrafficCounter(record))
        }
        let url = "ws://127.0.0.1:\(rules.port)\(LegacyRequest.path(of: user))"
        let connection: DoorbellConnection
        do {
            connection = try await DoorbellConnection.open(
                to: url, headers: [("Authorization", LegacyRequest.authorization(of: user))], group: group,
                options: options
            ) { [rules] message in
                if message.withUnsafeBytes({ rules.received($0, by: user) }) { ready.succeed() }
            }.get()
        } catch {
            ready.fail(error)
            throw error
        }
        connection.closed.whenSuccess { ready.fail(DoorbellError(.service, "\($0)")) }
        group.next().scheduleTask(in: Self.patience) { ready.fail(ConnectError.timedOut) }
        try await ready.futureResult.get()
        watch(connection.closed.map { _ in })
    }

    private func watch(_ closed: EventLoopFuture<Void>) {
        closed.whenComplete { [self] _ in
            if !isClosing.load(ordering: .relaxed) { record.withLock { $0.lose() } }
        }
    }
}
