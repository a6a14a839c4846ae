import CoreMetrics
import DoorbellAuth
public import DoorbellCore
public import DoorbellHub
public import DoorbellRollout
public import Logging
public import NIOCore
import NIOHTTP1
import NIOPosix
public import ServiceLifecycle

/// The public port: HTTP to the legacy API, WebSocket to the hub.
///
/// Create it before capture starts, because creating it attaches its event loops to the hub. Tell it what capture does with
/// ``captureChanged(to:)``. Run it as a `Service`; on graceful shutdown it stops accepting, says goodbye to every client,
/// and ends within ``ServerConfiguration/drainTimeout``.
public final class Server: Service {
    private let core: ServerCore
    private let group: any EventLoopGroup
    /// By the identity of the loop.
    let loops: [ObjectIdentifier: Loop]
    private let listener = Locked<(any Channel)?>(nil)

    struct Loop: Sendable {
        let loop: any EventLoop
        let state: NIOLoopBoundBox<LoopState>
    }

    /// - Parameters:
    ///   - publisher: Takes what clients publish; `nil`: they are told `not_supported`.
    ///   - cursors: Keeps how far clients have got on at-least-once channels; `nil`: clients that name themselves are refused there.
    ///   - rollouts: Where the features stand; `nil`: where the configuration lets them begin, for ever.
    ///   - pollers: Is told who is pushed what.
    ///   - radio: Is told when some of the clients are.
    ///   - group: The loops that connections live on. The caller shuts it down after the server has ended.
    ///   - observer: Is told what was pushed.
    ///   - now: Wall clock.
    public init(
        configuration: ServerConfiguration, features: FeatureCatalog, hub: Hub, gateway: any LegacyGateway,
        publisher: (any PublishGateway)? = nil, cursors: (any CursorStore)? = nil, rollouts: RolloutBoard? = nil,
        pollers: PollerBook? = nil, radio: RadioSampler? = nil,
        group: any EventLoopGroup, observer: (any ServerObserver)? = nil, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        let presence = features.features.contains { $0.presence } ? PresenceBoard(loop: group.next()) : nil
        let core = ServerCore(
            configuration: configuration, catalog: features, hub: hub, gateway: gateway, presence: presence,
            publisher: publisher, cursors: cursors, rollouts: rollouts ?? RolloutBoard(features: features.features),
            pollers: pollers, radio: radio,
            observer: observer, logger: logger, now: now)
        self.core = core
        self.group = group
        var loops: [ObjectIdentifier: Loop] = [:]
        for loop in group.makeIterator() {
            let state = NIOLoopBoundBox.makeBoxSendingValue(LoopState(core: core, loop: loop), eventLoop: loop)
            loops[ObjectIdentifier(loop)] = Loop(loop: loop, state: state)
            hub.attach(
                ShardHandle(
                    run: { work in loop.execute { work() } },
                    deliver: { batch, done in state.value.shard.deliver(batch, done: done) }))
            presence?.attach { told in loop.flatSubmit { state.value.presence.tell(told, on: loop) } }
        }
        self.loops = loops
        core.rollouts.observe { [weak self] features in self?.moved(features) }
    }

    /// Tells the clients whom it concerns.
    private func moved(_ features: [Feature]) {
        for loop in loops.values {
            let (state, eventLoop) = (loop.state, loop.loop)
            eventLoop.execute { RolloutRound(features, among: state.value.streams, on: eventLoop).step() }
        }
    }

    /// What a TLS handshake should offer (ALPN, RFC 7301), best first.
    public static let applicationProtocols = ["h2", "http/1.1"]

    /// The port that is listened on; `nil` before the start and after the end.
    public var boundPort: Int? { listener.withLock { $0?.localAddress?.port } }

    /// Open connections, of both kinds.
    public var openConnections: Int { core.openConnections }

    // MARK: Life

    public func run() async throws {
        try await start()
        do {
            try await gracefulShutdown()
        } catch {
            await stop(within: .zero)
            throw error
        }
        await stop(within: core.configuration.drainTimeout)
    }

    /// Listens, unless it does already. ``run()`` calls it.
    ///
    /// - Throws: ``DoorbellError`` with code `system` when the address cannot be listened on.
    public func start() async throws {
        guard boundPort == nil else { return }
        let configuration = core.configuration
        do {
            let channel = try await bootstrap().bind(host: configuration.host, port: configuration.port).get()
            listener.withLock { $0 = channel }
        } catch {
            throw Self.explain(error, configuration)
        }
        core.logger.info(
            "listening", metadata: ["doorbell.host": "\(configuration.host)", "doorbell.port": "\(boundPort ?? 0)"])
    }

    /// Ends in the manner of a graceful shutdown. ``run()`` calls it.
    ///
    /// - Parameter timeout: How long clients may take. Zero closes at once.
    public func stop(within timeout: Duration) async {
        core.startDraining()
        let listening = listener.withLock { listener in
            defer { listener = nil }
            return listener
        }
        try? await listening?.close()
        let spread = Int(core.configuration.reconnectSpread.seconds * 1000)
        for loop in loops.values {
            loop.loop.execute {
                loop.state.value.shard.tellHeld()
                for stream in loop.state.value.streams {
                    stream.perform { $0.drain(reconnectAfter: .random(in: 0...max(0, spread))) }
                }
                for held in loop.state.value.heldPolls.values { held.hurry() }
                for channel in loop.state.value.connections.values {
                    channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
                }
            }
        }
        let deadline = ContinuousClock.now + timeout
        while core.openConnections > 0, ContinuousClock.now < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))
        }
        for loop in loops.values {
            loop.loop.execute {
                for channel in loop.state.value.connections.values { channel.close(promise: nil) }
                for stream in loop.state.value.streams { stream.channel.close(promise: nil) }
            }
        }
        await core.presence?.stop()
        core.logger.info("stopped listening", metadata: ["doorbell.left": "\(core.openConnections)"])
    }

    /// What capture can do decides whether subscriptions are taken. When it is down for longer than
    /// ``ServerConfiguration/captureGrace``, everyone is sent back to polling (4002). Any thread.
    public func captureChanged(to status: CaptureStatus) {
        let generation = core.setCapture(status)
        guard !status.isLive else { return }
        let grace = TimeAmount.nanoseconds(Int64(core.configuration.captureGrace.seconds * 1e9))
        for loop in loops.values {
            loop.loop.execute { for held in loop.state.value.heldPolls.values { held.hurry() } }
            loop.loop.scheduleTask(in: grace) { [core] in
                guard core.isStillDown(since: generation) else { return }
                loop.state.value.shard.tellHeld()
                for stream in loop.state.value.streams { stream.perform { $0.close(.captureUnsure) } }
            }
        }
    }

    // MARK: Connections

    private func bootstrap() -> ServerBootstrap {
        let core = core
        let loops = loops
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: core.configuration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                guard let loop = loops[ObjectIdentifier(channel.eventLoop)] else {
                    return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
                }
                let address: AddressRange?
                switch core.admit(channel.remoteAddress) {
                case .admitted(let key): address = key
                case .refused(let reason):
                    core.metrics[reason]?.increment()
                    return Self.turnAway(channel, isTLS: core.configuration.certificates != nil)
                }
                // Kept for as long as the connection lives, so it takes no more with it than it needs.
                let (state, id) = (loop.state, ObjectIdentifier(channel))
                state.value.opened(channel)
                channel.closeFuture.whenComplete { _ in state.value.closed(id, address) }
                return channel.eventLoop.makeCompletedFuture {
                    try ConnectionPipeline(core: core, loopState: loop.state.value).install(on: channel)
                }
            }
    }

    /// One connection too many: said in a few bytes and closed, so that the descriptor is free again at once. A handshake would cost
    /// more than the connection, so over TLS it is only closed.
    private static func turnAway(_ channel: any Channel, isTLS: Bool) -> EventLoopFuture<Void> {
        let answer =
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        // The channel is not active yet within its initializer.
        channel.eventLoop.execute {
            guard !isTLS else { return channel.close(promise: nil) }
            channel.writeAndFlush(ByteBuffer(string: answer)).whenComplete { _ in channel.close(promise: nil) }
        }
        return channel.eventLoop.makeSucceededVoidFuture()
    }

    private static func explain(_ error: any Error, _ configuration: ServerConfiguration) -> DoorbellError {
        let address = "\(configuration.host):\(configuration.port)"
        if error is SocketAddressError.UnknownHost {
            return DoorbellError(
                .system, "cannot listen on \(address): that name has no address",
                hint: "Use 127.0.0.1, 0.0.0.0 or an address of this machine under `listen`.")
        }
        guard let system = error as? IOError else {
            return DoorbellError(.system, "cannot listen on \(address): \(error)")
        }
        switch system.errnoCode {
        case EADDRINUSE:
            return DoorbellError(
                .system, "cannot listen on \(address): the port is in use",
                hint: "End the process that has it (`ss -ltnp` names it), or choose another one under `listen`.")
        case EADDRNOTAVAIL:
            return DoorbellError(
                .system, "cannot listen on \(address): this machine does not have that address",
                hint: "Use 127.0.0.1, 0.0.0.0 or an address of this machine under `listen`.")
        case EACCES, EPERM:
            return DoorbellError(
                .system, "cannot listen on \(address): not permitted",
                hint: "Ports below 1024 need a privilege; use a higher one behind your proxy.")
        default:
            return DoorbellError(.system, "cannot listen on \(address): \(system.description)")
        }
    }
}
