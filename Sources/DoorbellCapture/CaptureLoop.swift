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
    private var status = CaptureStatus.starting
    private var rotation: RotationPlan
    /// At most so many rows of several ticks are held and sorted here. Less after they were large; grows again.
    var groupRows: Int
    private var watchedTables = 0
    private var housekeepAt: ContinuousClock.Instant?
    private var followed = FollowedCoverage()

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
        self.groupRows = configuration.batchRows
    }

    /// Returns when the pipe says stop.
    func run() {
        report(.starting)
        var action = machine.start()
        while action != .finish {
            let event: CaptureStateMachine.Event
            do {
                event = try perform(action)
            } catch  where error.kind == .stopped {
                event = .stop
            } catch {
                lost(error)
                event = .failed
            }
            action = machine.handle(event, now: .now)
        }
        log = nil
        queries.close()
    }

    private func perform(_ action: CaptureStateMachine.Action) throws(PGError) -> CaptureStateMachine.Event {
        switch action {
        case .connect: return .opened(leader: try open())
        case .backOff:
            try wake.wait(for: backoff.next(jitter: Double.random(in: 0...1)))
            return .waited
        case .tick: return .ticked(rows: try tick(connected()))
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
        case .probe: return try probe(connected()) ? .woke(rung: true) : .probed
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
        let log = try LogConnection(conninfo: configuration.conninfo, wake: wake)
        self.log = log
        machine.mayUseBell = configuration.bell == .auto && !log.allowsPreparedTransactions
        let leads = try log.tryToLead()
        if leads { try becomeLeader(log) } else { try beginFollowing(log) }
        try queries.withConnection { connection throws(PGError) in try catalog.read(from: connection, now: .now) }
        try checkTables()
        watchedTables = try log.watchedTables()
        try openLog(log)
        try catchUp(log, live: false)
        // What was written while nobody made ticks is one tick, and may be large: it belongs to what clients are replayed when they
        // come back, not to what they are told live.
        if leads { _ = try look(log, live: false) }
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
        hasFollowers = true
        housekeepAt = .now
    }

    private func checkTables() throws(PGError) {
        if let missing = configuration.tables.first(where: { !catalog.captures($0) }) {
            throw PGError(.statement, "table \(missing) is not captured: run 'doorbell install'")
        }
    }

    private func beginFollowing(_ log: LogConnection) throws(PGError) {
        try log.announceFollowing()
        housekeepAt = .now + Self.housekeepingInterval
    }

    private func lost(_ error: PGError) {
        log = nil
        if case .down = status {
        } else {
            logger.warning("capture is down", metadata: ["doorbell.reason": "\(error.message)"])
        }
        report(.down(reason: error.message))
    }

    private func report(_ new: CaptureStatus) {
        guard new != status || new == .starting else { return }
        if case .live(let leader) = new {
            logger.info("capture is live", metadata: ["doorbell.leader": "\(leader)"])
        }
        status = new
        sink.captureChanged(to: new)
    }

    // MARK: Leading and following

    /// - Returns: Rows of the tick that was made; 0 when there was nothing to make one of.
    private func tick(_ log: LogConnection) throws(PGError) -> Int {
        try housekeep(log)
        guard let cursor, let last, cursor.tick == last.number, cursor.seq == nil else {
            try catchUp(log, live: true)
            return 1
        }
        return try look(log, live: true)
    }

    /// Makes a tick of what is new, if anything is, and delivers it. - Returns: its rows.
    private func look(_ log: LogConnection, live: Bool) throws(PGError) -> Int {
        guard let cursor, let last else { return 0 }
        let began = ContinuousClock.now
        // What rang until here is covered by this look.
        try log.dropNotifications()
        if log.takeAnnouncement() { hasFollowers = true }
        guard let made = try log.makeTick(after: last, epoch: cursor.epoch, telling: hasFollowers) else {
            sink.covered(before: began)
            return 0
        }
        metrics.ticks.increment()
        try deliver([made.tick], rows: made.rows, after: last, from: log, live: live)
        if isDelivered(through: made.tick.number) { sink.covered(before: began) }
        return made.tick.rows
    }

    /// Whether everything up to the end of this tick has been delivered.
    private func isDelivered(through tick: UInt64) -> Bool { cursor.map { $0.lastWhole >= tick } ?? false }

    /// - Returns: Whether the bell rang meanwhile.
    private func probe(_ log: LogConnection) throws(PGError) -> Bool {
        let began = ContinuousClock.now
        if try log.probe() { return true }
        // Notifications come in the order of their commits, and while we hold the bell every commit with a change has one.
        if log.isLeader { sink.covered(before: began) }
        return false
    }

    private func follow(_ log: LogConnection) throws(PGError) -> Bool {
        if let at = housekeepAt, .now >= at {
            housekeepAt = .now + Self.housekeepingInterval
            try checkTables(now: log.watchedTables())
        }
        let began = ContinuousClock.now
        let found = try log.look()
        if !found.leads {
            if isOutdated(found.state) { try openLog(log) }
            if cursor?.seq != nil || cursor?.tick ?? 0 < found.lastTick { try catchUp(log, live: true) }
            let covered = followed.looked(
                at: began, lastTick: found.lastTick, isMore: found.isMore, delivered: cursor?.lastWhole ?? 0)
            if let covered { sink.covered(before: covered) }
            return false
        }
        followed = FollowedCoverage()
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
        if isOutdated(try log.state()) { try openLog(log) }
    }

    private func isOutdated(_ state: LogState) -> Bool {
        state.epoch != cursor?.epoch || state.truncatedThrough > cursor?.tick ?? 0
    }

    // MARK: Housekeeping

    private static let housekeepingInterval: Duration = .seconds(10)

    /// What the leader does now and then, between ticks.
    private func housekeep(_ log: LogConnection) throws(PGError) {
        guard let at = housekeepAt, .now >= at else { return }
        housekeepAt = .now + min(Self.housekeepingInterval, rotation.checkInterval)
        let found = try log.housekeeping()
        hasFollowers = found.hasFollowers
        metrics.outboxRows.record(found.outboxRows)
        metrics.queueUsage.record(found.queueUsage)
        metrics.heldBack.record(found.heldBackSeconds)
        try checkTables(now: found.watchedTables)
        // An installer that found triggers missing begins a new one.
        if found.epoch != cursor?.epoch { try openLog(log) }
        try keepRetention(log, found.outbox)
    }

    /// Triggers can be dropped or disabled while we run: then we are not live, whatever the connection says.
    private func checkTables(now count: Int) throws(PGError) {
        guard count != watchedTables else { return }
        try queries.withConnection { connection throws(PGError) in try catalog.read(from: connection, now: .now) }
        try checkTables()
        watchedTables = count
    }

    private func keepRetention(_ log: LogConnection, _ outbox: RotationPlan.Outbox) throws(PGError) {
        let step = rotation.next(outbox)
        if let sequence = step.rotateTo { try log.rotate(to: sequence) }
        if step.mixes {
            logger.notice("an outbox table could not be emptied in time; a long transaction or a dump holds it")
        }
        guard !step.truncate.isEmpty, let old = try log.newestTick(olderThan: configuration.retention),
            // Rows that were not delivered stay, whatever their age.
            let cursor, old.number <= cursor.lastWhole
        else { return }
        for slot in step.truncate { _ = try log.truncate(slot: slot, through: old) }
    }
}
