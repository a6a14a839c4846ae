import DoorbellCore
import Logging
import Metrics

/// Runs the actions of ``CaptureStateMachine`` on the thread that owns both connections. Not `Sendable`: made and used there.
final class CaptureLoop {
    let configuration: CaptureConfiguration
    let sink: any ChangeSink
    let logger: Logger
    let metrics: CaptureMetrics
    let wake: WakePipe
    let queries: QueryRunner
    private var machine: CaptureStateMachine
    private var backoff = Backoff()
    /// `nil` while not connected.
    private(set) var log: LogConnection?
    var catalog = RelationCatalog()
    /// How far the sink has everything; outlives connections.
    var cursor: LogCursor?
    /// The tick that `cursor` stands after.
    var last: Tick?
    private var hasFollowers = false
    private var announcedFollowing = false
    private var status = CaptureStatus.starting
    private var rotation: RotationPlan
    private var checkRetentionAt: ContinuousClock.Instant?
    private var checkFollowersAt: ContinuousClock.Instant?
    private var measureAt: ContinuousClock.Instant?

    init(
        configuration: CaptureConfiguration, sink: any ChangeSink, logger: Logger, metrics: CaptureMetrics,
        timing: CaptureStateMachine.Timing, wake: WakePipe
    ) {
        self.configuration = configuration
        self.sink = sink
        self.logger = logger
        self.metrics = metrics
        self.wake = wake
        self.queries = QueryRunner(conninfo: configuration.conninfo, timeout: configuration.queryTimeout, wake: wake)
        self.machine = CaptureStateMachine(timing: timing)
        self.rotation = RotationPlan(retention: configuration.retention)
    }

    /// Returns when the pipe says stop.
    func run() {
        report(.starting)
        var action = machine.start()
        while action != .finish {
            let event: CaptureStateMachine.Event
            do {
                event = try perform(action)
            } catch where error.kind == .stopped {
                event = .stop
            } catch {
                lost(error)
                event = .failed
            }
            action = machine.handle(event, now: .now)
        }
        log = nil
        queries.close()
        metrics.listenerUp.record(0)
    }

    private func perform(_ action: CaptureStateMachine.Action) throws(PGError) -> CaptureStateMachine.Event {
        switch action {
        case .connect: return .opened(leader: try open())
        case .backOff:
            try wake.wait(for: backoff.next(jitter: Double.random(in: 0...1)))
            return .waited
        case .tick: return .ticked(try tick(connected()))
        case .pause(let duration):
            try wake.wait(for: duration)
            return .waited
        case .takeBell: return .bellTaken(try connected().takeBell())
        case .releaseBell:
            try connected().releaseBell()
            return .bellReleased
        case .sleep(let duration):
            let log = try connected()
            let channel = log.isLeader ? OutboxSchema.NotifyChannel.bell : OutboxSchema.NotifyChannel.tick
            return .woke(rung: try log.waitForNotification(on: channel, until: .now + duration))
        case .probe: return try connected().probe() ? .woke(rung: true) : .probed
        case .follow: return .followed(leader: try follow(connected()))
        case .finish: return .stop
        }
    }

    private func connected() throws(PGError) -> LogConnection {
        guard let log else { throw PGError(.connection, "the connection is lost") }
        return log
    }

    // MARK: Coming and going

    private func open() throws(PGError) -> Bool {
        log = nil
        announcedFollowing = false
        let log = try LogConnection(conninfo: configuration.conninfo, wake: wake)
        self.log = log
        machine.mayUseBell = configuration.bell == .auto && !log.allowsPreparedTransactions
        let leads = try log.tryToLead()
        if leads { try becomeLeader(log) } else { try beginFollowing(log) }
        try queries.withConnection { connection throws(PGError) in try catalog.read(from: connection, now: .now) }
        if let missing = configuration.tables.first(where: { !catalog.captures($0) }) {
            throw PGError(.statement, "table \(missing) is not captured: run 'doorbell install'")
        }
        try openLog(log)
        try catchUp(log, live: false)
        backoff.succeeded()
        report(.live(leader: leads))
        return leads
    }

    private func becomeLeader(_ log: LogConnection) throws(PGError) {
        if try log.renewEpochIfNeeded() {
            logger.warning("the database is not the one that the log was made in; a new epoch begins")
        }
        if configuration.bell == .auto && log.allowsPreparedTransactions {
            logger.notice("prepared transactions are allowed here, so capture polls instead of sleeping")
        }
        let now = ContinuousClock.now
        hasFollowers = true
        (checkRetentionAt, checkFollowersAt, measureAt) = (now, now, now)
    }

    private func beginFollowing(_ log: LogConnection) throws(PGError) {
        try log.announceFollowing()
        announcedFollowing = true
    }

    private func lost(_ error: PGError) {
        log = nil
        if case .down = status {} else {
            logger.warning("capture is down", metadata: ["doorbell.reason": "\(error.message)"])
        }
        report(.down(reason: error.message))
    }

    private func report(_ new: CaptureStatus) {
        metrics.listenerUp.record(new.isLive ? 1 : 0)
        guard new != status || new == .starting else { return }
        if case .live(let leader) = new {
            logger.info("capture is live", metadata: ["doorbell.leader": "\(leader)"])
        }
        status = new
        sink.captureChanged(to: new)
    }

    // MARK: Leading and following

    private func tick(_ log: LogConnection) throws(PGError) -> Bool {
        try housekeep(log)
        guard let cursor, let last, cursor.tick == last.number, cursor.seq == nil else {
            try catchUp(log, live: true)
            return true
        }
        // What rang until here is covered by this look.
        try log.dropNotifications()
        guard let tick = try log.makeTick(after: last, telling: hasFollowers) else { return false }
        metrics.ticks.increment()
        try deliver([tick], after: last, from: log, live: true)
        return true
    }

    private func follow(_ log: LogConnection) throws(PGError) -> Bool {
        try refreshEpoch(log)
        try catchUp(log, live: true)
        guard try log.tryToLead() else { return false }
        try log.stopFollowing()
        try becomeLeader(log)
        try refreshEpoch(log)
        // The leader before us may have made a tick after our look.
        try catchUp(log, live: true)
        logger.info("capture leads now")
        report(.live(leader: true))
        return true
    }

    private func refreshEpoch(_ log: LogConnection) throws(PGError) {
        let state = try log.state()
        if state.epoch != cursor?.epoch || state.truncatedThrough > cursor?.tick ?? 0 { try openLog(log) }
    }

    // MARK: Housekeeping

    /// What the leader does now and then, between ticks.
    private func housekeep(_ log: LogConnection) throws(PGError) {
        let now = ContinuousClock.now
        if let at = checkFollowersAt, now >= at {
            hasFollowers = try log.hasFollowers()
            checkFollowersAt = now + .seconds(hasFollowers ? 1 : 5)
        }
        if let at = checkRetentionAt, now >= at {
            checkRetentionAt = now + rotation.checkInterval
            try keepRetention(log)
        }
        if let at = measureAt, now >= at {
            measureAt = now + .seconds(10)
            let gauges = try log.gauges()
            metrics.outboxRows.record(gauges.outboxRows)
            metrics.queueUsage.record(gauges.queueUsage)
            metrics.heldBack.record(gauges.heldBackSeconds)
        }
    }

    private func keepRetention(_ log: LogConnection) throws(PGError) {
        let step = rotation.next(try log.outbox())
        if let sequence = step.rotateTo { try log.rotate(to: sequence) }
        if step.mixes {
            logger.notice("an outbox table could not be emptied in time; a long transaction or a dump holds it")
        }
        guard !step.truncate.isEmpty, let old = try log.newestTick(olderThan: configuration.retention),
            // Rows that were not delivered stay, whatever their age.
            old.number <= cursor?.tick ?? 0
        else { return }
        for slot in step.truncate { _ = try log.truncate(slot: slot, through: old) }
    }
}
