import AsyncHTTPClient
import DoorbellAuth
import DoorbellCapture
import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import DoorbellShim
public import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Configuration in, a running service out: the one place that knows all the modules.
public struct DoorbellService: Sendable {
    /// Where the service can be reached once it is up.
    public struct Endpoints: Sendable {
        public let listen: ListenAddress
        public let admin: ListenAddress
    }

    let configuration: Configuration
    let metrics: PrometheusRegistry
    private let logger: Logger
    private let commentary: Commentary?

    /// - Parameters:
    ///   - metrics: The registry that swift-metrics was bootstrapped with, for `/metrics`.
    ///   - commentary: Print to standard output what changes and who is told.
    public init(configuration: Configuration, metrics: PrometheusRegistry, logger: Logger, commentary: Bool = false) {
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        self.commentary = commentary ? Commentary() : nil
    }

    /// Runs until a graceful shutdown (SIGTERM or SIGINT), which drains the clients first.
    ///
    /// - Parameter onReady: Called once, when both ports are open. Capture may still be reading its backlog then; see
    ///   `/_doorbell/health/ready`.
    /// - Throws: ``DoorbellError`` when the database is not ready or a port is taken; nothing is left running.
    public func run(onReady: @escaping @Sendable (Endpoints) -> Void = { _ in }) async throws {
        let found = try Installation(configuration).examine()
        for remark in found.remarks {
            logger.notice("A remark on the database", metadata: ["doorbell.remark": "\(remark)"])
        }
        let clock = LoopClock()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount, metricsDelegate: clock)
        do {
            let keys = try configuration.authentication.map {
                try TokenKeys($0.tokens, group: group, logger: logger)
            }
            do {
                try await run(on: group, clock: clock, keys: keys, spellings: found.spellings, onReady: onReady)
            } catch {
                await keys?.shutdown()
                throw error
            }
            await keys?.shutdown()
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func run(
        on group: any EventLoopGroup, clock: LoopClock, keys: TokenKeys?, spellings: [String: [String: Spelling]],
        onReady: @escaping @Sendable (Endpoints) -> Void
    ) async throws {
        let features = configuration.features
        let hub = Hub(now: SystemClock.now)
        let catalog = FeatureCatalog(features, spellings: spellings)
        let ledger = LedgerRecorder(
            features: features.map(\.name), gated: features.filter { $0.gate != nil }.map(\.name),
            now: SystemClock.now)
        let rollouts = RolloutBoard(features: features)
        let pollers = PollerBook()
        let captureClock = CaptureClock()
        let radio = RadioSampler()
        let rolloutGauges = RolloutGauges(features: features)
        rollouts.observe { _ in rolloutGauges.show(rollouts) }
        // Before anybody is told anything: a feature that was rolled back stays so over a restart.
        rollouts.learn(try StageStore(conninfo: configuration.database).rollouts())
        rolloutGauges.show(rollouts)
        let parity = ParityRecorder(features: features, hub: hub, now: SystemClock.now) {
            rollouts.stage(of: $0) >= .shadow
        }

        let certificates = try configuration.openCertificates(logger: logger)
        let accessLog = try configuration.accessLog.map { try AccessLog(path: $0, logger: logger) }
        defer { accessLog?.close() }
        let upstream = try HTTPUpstream(
            configuration: upstreamConfiguration, features: catalog, hub: hub, ledger: ledger, parity: parity,
            rollouts: rollouts, pollers: pollers, radio: radio, group: group, now: SystemClock.now)
        let writer = DatabaseWriter(
            conninfo: configuration.database,
            retention: features.contains { $0.delivery == .atLeastOnce } ? configuration.capture.retention : nil,
            logger: logger)
        let database = DatabaseGateway(writer: writer)
        let tail = TailBoard()
        let server = Server(
            configuration: try serverConfiguration(certificates, keys, accessLog), features: catalog, hub: hub,
            gateway: upstream, publisher: database, cursors: database, rollouts: rollouts, pollers: pollers,
            radio: radio,
            group: group,
            observer: LedgerObserver(ledger: ledger, commentary: commentary, tail: tail), logger: logger,
            now: SystemClock.now)
        let pipeline = ChangePipeline(
            hub: hub, features: features, parity: parity, commentary: commentary, tail: tail, logger: logger
        ) { status in
            parity.captureChanged(to: status)
            upstream.captureChanged(to: status)
            server.captureChanged(to: status)
        } onCovered: { moment in
            parity.covered(before: moment)
            upstream.covered(before: moment)
            captureClock.note()
        }
        let capture = CaptureService(configuration: captureConfiguration, sink: pipeline, logger: logger)
        let stages = StageFollower(conninfo: configuration.database, logger: logger) { rollouts.learn($0) }
        let ledgers = LedgerService(
            ledger: ledger, store: LedgerStore(conninfo: configuration.database),
            retention: configuration.comparison.retention,
            usage: UsageSampler(
                legacy: configuration.comparison.legacy.map { LegacyProcess(place: $0) }, logger: logger),
            clock: clock, capture: captureClock, radio: radio, rollouts: rollouts, logger: logger, now: SystemClock.now)
        let keepers = features.compactMap { feature in
            feature.gate.map { settings in
                GateKeeper(
                    feature, settings: settings, rollouts: rollouts, ledger: ledger, parity: parity,
                    now: SystemClock.now()
                ) { pipeline.captureStatus == .live(leader: true) }
            }
        }
        let gates =
            keepers.isEmpty
            ? nil
            : GateService(
                keepers: keepers, store: StageStore(conninfo: configuration.database),
                group: group, logger: logger)

        try await server.start()
        let endpoints = ReadySignal(onReady: onReady, listen: configuration.listen.with(port: server.boundPort))
        let admin = AdminService(
            address: configuration.admin,
            access: AdminAccess(address: configuration.admin, token: configuration.adminToken),
            view: adminView(
                hub: hub, ledger: ledgers, rollouts: rollouts, pollers: pollers, parity: parity, gates: keepers,
                pipeline: pipeline, upstream: upstream, server: server, tail: tail),
            group: group, logger: logger, onBound: { endpoints.adminBound(configuration.admin.with(port: $0)) })

        // Started top to bottom, stopped bottom to top: clients are drained while capture still delivers.
        let reload = certificates.map { CertificateReload(store: $0) }
        let gauges = HubGauges()
        let everySecond = EverySecond(jobs: [
            pipeline.look, parity.look, tail.tick,
            {
                hub.sweep()
                gauges.show(hub.usage)
            },
        ]) {
            // Viewers would hold up the admin port, which ends next.
            tail.close()
        }
        let optional: [(any Service)?] = [
            reload, ledgers, ParityService(recorder: parity), keys, stages, gates, capture, writer, admin, everySecond,
            server,
        ]
        let services = optional.compactMap(\.self)
        var plan = ServiceGroupConfiguration(
            services: services.map {
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            }, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        plan.maximumGracefulShutdownDuration = .seconds(30)
        do {
            try await ServiceGroup(configuration: plan).run()
        } catch {
            try? await upstream.shutdown()
            throw error
        }
        try await upstream.shutdown()
    }

    // MARK: Settings for the modules

    private func serverConfiguration(
        _ certificates: CertificateStore?, _ keys: TokenKeys?, _ accessLog: AccessLog?
    ) throws -> ServerConfiguration {
        let limits = configuration.limits
        var server = ServerConfiguration(host: configuration.listen.host, port: configuration.listen.port)
        server.certificates = certificates
        server.accessLog = accessLog
        server.maximumConnections = limits.connections
        server.addressLimits.connectionsPerAddress =
            limits.connectionsPerAddress == 0 ? nil : limits.connectionsPerAddress
        server.addressLimits.unlimited += limits.unlimitedAddresses
        server.headerTimeout = limits.handshakeTime
        server.idleTimeout = limits.idleTime
        server.stallTimeout = limits.stallTime
        server.maximumTunnels = limits.tunnels
        server.tunnelIdleTimeout = limits.tunnelIdleTime
        server.maximumHeaders = limits.headerSize
        server.maximumHeaderLine = min(server.maximumHeaderLine, limits.headerSize)
        server.compression = configuration.compression
        var origins = OriginConfiguration()
        origins.allowed = configuration.origins
        server.origins = try OriginPolicy(origins)
        if let keys, let settings = configuration.authentication {
            var authentication = Authentication(verifier: keys.verifier)
            authentication.places = settings.places
            authentication.isRequired = settings.isRequired
            authentication.deadline = settings.deadline
            server.authentication = authentication
        }
        server.maximumMessageSize = limits.messageSize
        server.sendBudget = limits.sendBudget
        server.session = SessionLimits(
            subscriptions: limits.subscriptionsPerConnection,
            // A page that comes back subscribes to all of its feeds at once.
            pendingAsks: 64, openRequests: limits.requestsPerConnection,
            messagesPerSecond: Double(limits.messageRate),
            messageBurst: Double(limits.subscriptionsPerConnection) + 200, publishSize: limits.publishSize,
            heartbeat: limits.heartbeat, reauthorize: limits.reauthorize)
        server.session.requestHeaders = configuration.requestHeaders
        server.requestTimeout = limits.upstreamTimeout
        return server
    }

    private var upstreamConfiguration: UpstreamConfiguration {
        var upstream = UpstreamConfiguration(url: configuration.upstream)
        upstream.answerTimeout = .nanoseconds(Int64(configuration.limits.upstreamTimeout / .nanoseconds(1)))
        upstream.cacheSize = configuration.cache.size
        upstream.cacheLag = configuration.cache.lag
        return upstream
    }

    private var captureConfiguration: CaptureConfiguration {
        CaptureConfiguration(
            conninfo: configuration.database, tables: configuration.requiredColumns.map(\.table),
            retention: configuration.capture.retention, bell: configuration.capture.bell == .auto ? .auto : .never)
    }
}
