import CoreMetrics
import DoorbellAuth
import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellWire
import Logging
import NIOCore
import NIOHTTP1

/// What every connection of a server shares. Immutable but for the state behind the lock.
final class ServerCore: Sendable {
    struct State {
        var capture = CaptureStatus.starting
        /// Counts the changes of ``capture``, so that a grace timer can tell whether it is still about the same outage.
        var generation = 0
        var isDraining = false
        var connections = 0
        var tunnels = 0
        var addresses: AddressLimits
    }

    let configuration: ServerConfiguration
    let catalog: FeatureCatalog
    let sessionRules: SessionRules
    let hub: Hub
    let gateway: any LegacyGateway
    /// `nil` when no feature has presence.
    let presence: PresenceBoard?
    /// `nil`: clients cannot publish, and acknowledgements are not kept.
    let publisher: (any PublishGateway)?
    let cursors: (any CursorStore)?
    let rollouts: RolloutBoard
    /// `nil`: nobody wants to know who is pushed what.
    let pollers: PollerBook?
    /// `nil`: nobody wants to know how long radios are on.
    let radio: RadioSampler?
    let doorkeeper: Doorkeeper
    let observer: (any ServerObserver)?
    let metrics: ServerMetrics
    let logger: Logger
    /// Wall clock.
    let now: @Sendable () -> Timestamp
    /// Open connections that are allowed, see ``ServerConfiguration/maximumConnections``.
    let maximumConnections: Int
    private let maximumTunnels: Int
    private let state: Locked<State>

    init(
        configuration: ServerConfiguration, catalog: FeatureCatalog, hub: Hub, gateway: any LegacyGateway,
        presence: PresenceBoard?, publisher: (any PublishGateway)?, cursors: (any CursorStore)?, rollouts: RolloutBoard,
        pollers: PollerBook? = nil, radio: RadioSampler? = nil,
        observer: (any ServerObserver)?, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.configuration = configuration
        self.catalog = catalog
        self.sessionRules = SessionRules(catalog: catalog, limits: configuration.session)
        self.hub = hub
        self.gateway = gateway
        self.presence = presence
        self.publisher = publisher
        self.cursors = cursors
        self.rollouts = rollouts
        self.pollers = pollers
        self.radio = radio
        self.doorkeeper = Doorkeeper(configuration.authentication, tickets: configuration.tickets, now: now)
        self.observer = observer
        self.metrics = ServerMetrics(features: catalog.features)
        self.logger = logger
        self.now = now
        self.state = Locked(State(addresses: AddressLimits(configuration.addressLimits)))
        let descriptors = DescriptorLimit.current
        maximumTunnels = min(configuration.maximumTunnels, descriptors / 8)
        let possible = configuration.possibleConnections(descriptors: descriptors)
        self.maximumConnections = min(configuration.maximumConnections ?? descriptors * 3 / 4, possible)
        if let wanted = configuration.maximumConnections, wanted > possible {
            logger.warning(
                "the limit of open files allows \(possible) connections, not \(wanted): raise it (ulimit -n, LimitNOFILE)"
            )
        }
    }

    var captureStatus: CaptureStatus { state.withLock { $0.capture } }

    /// - Returns: The generation of the new status.
    func setCapture(_ status: CaptureStatus) -> Int {
        state.withLock {
            $0.capture = status
            $0.generation += 1
            return $0.generation
        }
    }

    /// Whether capture is still in the outage that began with `generation`.
    func isStillDown(since generation: Int) -> Bool {
        state.withLock { $0.generation == generation && !$0.capture.isLive }
    }

    var isDraining: Bool { state.withLock { $0.isDraining } }

    func startDraining() { state.withLock { $0.isDraining = true } }

    /// A connection was accepted. Once it is admitted, ``closeConnection(_:)`` has to be called for it.
    func admit(_ address: SocketAddress?) -> ConnectionAdmission {
        state.withLock {
            guard $0.connections < maximumConnections else { return .refused(.connections) }
            switch $0.addresses.admit(address) {
            case .admitted(let key):
                $0.connections += 1
                return .admitted(key)
            case .tooMany: return .refused(.address)
            case .tableFull: return .refused(.addresses)
            }
        }
    }

    /// - Parameter key: What ``admit(_:)`` gave.
    func closeConnection(_ key: AddressRange?) {
        state.withLock {
            $0.connections -= 1
            $0.addresses.release(key)
        }
    }

    var hasRoomForTunnel: Bool { state.withLock { $0.tunnels < maximumTunnels } }

    /// - Returns: `false`: there are too many. Otherwise ``closeTunnel()`` has to be called.
    func openTunnel() -> Bool {
        state.withLock {
            guard $0.tunnels < maximumTunnels else { return false }
            $0.tunnels += 1
            return true
        }
    }

    func closeTunnel() { state.withLock { $0.tunnels -= 1 } }

    var openConnections: Int { state.withLock { $0.connections } }

    /// Why subscriptions are not taken now; `nil` when they are.
    var refusal: String? {
        state.withLock { state in
            if state.isDraining { return "the service is going away" }
            switch state.capture {
            case .live: return nil
            case .starting: return "capture is reading what was committed before the start"
            case .down(let reason): return "capture is down: \(reason)"
            }
        }
    }

    /// The legacy API was asked in the name of somebody who is pushed to, or wants to be.
    func asked(
        _ target: String, headers: HTTPHeaders, from origin: RequestOrigin, _ result: Result<PollAnswer, any Error>
    ) {
        let count = (try? result.get().originRequests) ?? 1
        guard let observer, count > 0, let feature = catalog.poll(matching: target)?.feature else { return }
        observer.pushing(
            feature: feature, cohort: rollouts.usesPush(feature, headers: headers, from: origin) ? .push : .poll,
            bytesUp: 0, bytesDown: 0, originRequests: count)
    }

    /// Counts what was pushed and tells the observer.
    ///
    /// - Parameter events: How many of the clients have an event stream.
    func delivered(_ delivery: PushDelivery, toEvents events: Int) {
        guard let first = delivery.publications.first else { return }
        let count = delivery.publications.count
        if let metrics = metrics[first.feature] {
            let sockets = delivery.subscribers - events
            if sockets > 0 { metrics.webSocketMessages.increment(by: sockets * count) }
            if events > 0 { metrics.eventMessages.increment(by: events * count) }
            metrics.bytesSent.increment(by: delivery.bytes)
            for publication in delivery.publications {
                metrics.staleness.recordSeconds(max(0, delivery.at.seconds(since: publication.committedAt)))
            }
            if count > 1, first.feature.batch > .zero { metrics.batches.increment(by: delivery.subscribers) }
        }
        for publication in delivery.publications {
            metrics.commitToSend.recordSeconds(max(0, delivery.at.seconds(since: publication.committedAt)))
        }
        observer?.delivered(delivery)
    }
}
