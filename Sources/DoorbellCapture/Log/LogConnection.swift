import DoorbellCore

/// The connection that listens, leads and ticks, with the statements of the log prepared on it.
///
/// Lives on capture's thread. All names are looked up in `pg_catalog` or carry their schema.
final class LogConnection {
    let connection: PGConnection
    /// Whether this session holds the leader's lock. It keeps it as long as it lives: nothing here ever unlocks.
    private(set) var isLeader = false
    private var heardFollower = false
    let allowsPreparedTransactions: Bool

    /// Counting and sorting the rows of one transaction that wrote a hundred million takes minutes without a word. A server
    /// that is gone shows by the keep-alives long before.
    private static let longSilence: Duration = .seconds(3600)

    init(conninfo: String, wake: WakePipe) throws(PGError) {
        self.connection = try PGConnection(conninfo: conninfo, applicationName: "doorbell", wake: wake)
        guard connection.serverVersion >= Preflight.oldestServer else {
            throw PGError(.statement, "PostgreSQL is version \(connection.serverVersion / 10_000), older than 13")
        }
        let idle = connection.serverVersion >= 140_000 ? "set idle_session_timeout = 0;" : ""
        // The planner knows nothing of the outbox (it is never analysed) and guesses large: left alone it would start parallel
        // workers, 20 ms, for each drain of a few rows. The keep-alives are the server's: when this machine or the network
        // dies without a word, the session, and with it the locks of the leader and of the bell, ends in half a minute
        // instead of two hours.
        try connection.run(
            """
            set search_path = pg_catalog; set enable_seqscan = off; set plan_cache_mode = force_generic_plan;
            set jit = off; set max_parallel_workers_per_gather = 0; set timezone = 'UTC';
            set default_transaction_isolation = 'read committed'; set default_transaction_read_only = off;
            set statement_timeout = 0; set lock_timeout = '10s'; set idle_in_transaction_session_timeout = 0;
            set synchronous_commit = on; set work_mem = '32MB'; set tcp_keepalives_idle = 15;
            set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3; set tcp_user_timeout = 30000; \(idle)
            """)
        let server = try connection.run(
            """
            select current_setting('max_prepared_transactions')::int > 0, pg_is_in_recovery(),
                current_setting('server_encoding') = 'SQL_ASCII'
            """)
        self.allowsPreparedTransactions = server.boolean(0, 0)
        guard !server.boolean(0, 1) else { throw PGError(.statement, "this PostgreSQL is a standby") }
        // Nobody has checked the text of such a database: the server would refuse to send a row that is not UTF-8, for ever.
        // As it is, that row alone is unreadable.
        if server.boolean(0, 2) { try connection.run("set client_encoding = SQL_ASCII") }
        let backend: Int32? = try connection.run("select pg_backend_pid()").integer(0, 0)
        guard backend == connection.backend else {
            throw PGError(.connection, "this is a connection pooler, not PostgreSQL itself")
        }
        try checkInstalled()
        for (name, sql) in Self.statements { try connection.prepare(name, sql) }
        try connection.run(
            """
            listen \(OutboxSchema.NotifyChannel.bell); listen \(OutboxSchema.NotifyChannel.tick);
            listen \(probeChannel)
            """)
    }

    private static let statements: [(String, String)] = [
        (
            "ticks",
            """
            select tick, snapshot, rows, \(microseconds("at")) from doorbell.ticks
            where tick >= $1::int8 order by tick limit $2::int8
            """
        ),
        (
            "rows",
            """
            select \(OutboxRow.columns) from doorbell.outbox
            where (xid >= $1::xid8 or xid = any ($2::xid8[])) and pg_visible_in_snapshot(xid, $3::pg_snapshot)
                and seq > $4::int8
            order by seq
            """
        ),
        ("tick", tickStatement(notifying: false)), ("tick_and_tell", tickStatement(notifying: true)),
        (
            "look",
            """
            with last as materialized (select tick, snapshot from doorbell.ticks order by tick desc limit 1)
            select epoch, first_tick, truncated_through, (select tick from last),
                pg_try_advisory_lock(\(OutboxSchema.Lock.leader)),
                exists (select from doorbell.outbox where xid >= (select pg_snapshot_xmax(snapshot) from last)
                    or xid = any (array(select pg_snapshot_xip(snapshot) from last)))
            from doorbell.meta
            """
        ),
    ]

    /// The tick and what is in it are one statement, so they have one snapshot. A session that is not the one that took the
    /// leader's lock cannot tick: it has another backend. `ticks` is unique, so no two ticks can follow one. In another epoch
    /// (somebody installed anew, or a table again) it fails, by a division: no row would look like nothing to do.
    ///
    /// A small tick brings its rows along, which saves the second statement that nearly all ticks would take.
    private static func tickStatement(notifying: Bool) -> String {
        let new = "xid >= $2::xid8 or xid = any ($3::xid8[])"
        return """
            with fresh as materialized (
                select count(*) as rows,
                    sum(coalesce(octet_length(old), 0) + coalesce(octet_length(new), 0)) <= \(Tick.bytesAlong) as small
                from doorbell.outbox where \(new)),
            made as (
                insert into doorbell.ticks (tick, snapshot, rows, at)
                select $1::int8 + 1, pg_current_snapshot(), rows, clock_timestamp()
                from fresh where pg_backend_pid() = $4::int4
                    and rows / case when (select epoch from doorbell.meta) = $5::int8 then 1 else 0 end > 0
                returning *\(notifying ? ", pg_notify('\(OutboxSchema.NotifyChannel.tick)', '')::text" : ""))
            select m.tick, m.snapshot, m.rows, \(microseconds("m.at")), r.*
            from made m left join lateral (
                select seq, xid, relation, op, old, new, \(microseconds("at")) from doorbell.outbox where \(new)
                limit (select case when small and rows <= \(Tick.rowsAlong) then rows else 0 end from fresh)) r on true
            order by r.seq
            """
    }

    private static func microseconds(_ time: String) -> String { "(date_part('epoch', \(time)) * 1000000)::int8" }

    private var probeChannel: String { "doorbell_probe_\(connection.backend)" }

    private func checkInstalled() throws(PGError) {
        let found = try connection.run("select to_regclass('doorbell.meta') is not null")
        guard found.boolean(0, 0) else {
            throw PGError(.statement, "Doorbell is not installed: run 'doorbell install'")
        }
        let version: Int? = try connection.run("select version from doorbell.meta").integer(0, 0)
        guard version == OutboxSchema.version else {
            throw PGError(.statement, "schema doorbell has another version: run 'doorbell install'")
        }
    }

    // MARK: Leading

    /// Tries to become the one that ticks.
    func tryToLead() throws(PGError) -> Bool {
        guard !isLeader else { return true }
        isLeader = try connection.run("select pg_try_advisory_lock(\(OutboxSchema.Lock.leader))").boolean(0, 0)
        return isLeader
    }

    /// What a follower looks at each time, in one statement. The state is from before the leader's lock was tried; `isMore`: the
    /// outbox has rows that are in no tick yet.
    func look() throws(PGError) -> (state: LogState, lastTick: UInt64, leads: Bool, isMore: Bool) {
        let found = try connection.execute("look")
        isLeader = isLeader || found.boolean(0, 4)
        return (try Self.state(found), found.integer(0, 3) ?? 0, isLeader, found.boolean(0, 5))
    }

    /// Tells the leader that somebody wants to hear of ticks: by a lock for as long as this session lives, and at once.
    func announceFollowing() throws(PGError) {
        try connection.run("select pg_advisory_lock_shared(\(OutboxSchema.Lock.followers))")
        try connection.run("select pg_notify('\(OutboxSchema.NotifyChannel.bell)', '\(Self.newFollower)')")
    }

    private static let newFollower = "follower"

    /// Whether a follower has announced itself since the last call.
    func takeAnnouncement() -> Bool {
        defer { heardFollower = false }
        return heardFollower
    }

    func stopFollowing() throws(PGError) {
        try connection.run("select pg_advisory_unlock_shared(\(OutboxSchema.Lock.followers))")
    }

    /// Compares the database with the one that the log was made in, and starts a new epoch when it is another.
    /// - Returns: Whether it did.
    func renewEpochIfNeeded() throws(PGError) -> Bool {
        let found = try connection.run(
            """
            select m.system_identifier = i.a and m.database = i.c, m.timeline = i.b
            from doorbell.meta m, (select \(Identity.expressions)) i (a, b, c)
            """)
        let (sameDatabase, sameTimeline) = (found.boolean(0, 0), found.boolean(0, 1))
        if sameDatabase && sameTimeline { return false }
        // On another timeline of the same cluster transaction numbers go on, so the log does too, under a new epoch. In
        // another cluster or database they mean nothing, and neither do the rows.
        // Nor are the tables' own numbers the same there: they are found again by name.
        let restart = """
            update doorbell.tables set relid = 4294967295 - id;
            update doorbell.tables w set relid = c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = w.schema_name and c.relname = w.table_name;
            truncate only \((0..<OutboxSchema.slots).map { "doorbell.outbox_\($0)" }.joined(separator: ", only "));
            insert into doorbell.ticks
                select max(tick) + 1, pg_current_snapshot(), 0, clock_timestamp() from doorbell.ticks;
            update doorbell.meta set truncated_through = (select max(tick) from doorbell.ticks);
            """
        try connection.run(
            """
            begin; \(sameDatabase ? "" : restart)
            \(OutboxSchema.renewEpoch);
            update doorbell.meta set (system_identifier, timeline, database) = (select \(Identity.expressions));
            commit
            """)
        return true
    }

    /// Starts a new epoch: what was handed out before is not what the log says now.
    func renewEpoch() throws(PGError) { try connection.run(OutboxSchema.renewEpoch) }

    // MARK: Bell

    func takeBell() throws(PGError) -> Bool {
        try connection.run("select pg_try_advisory_lock(\(OutboxSchema.Lock.bell))").boolean(0, 0)
    }

    func releaseBell() throws(PGError) {
        try connection.run("select pg_advisory_unlock(\(OutboxSchema.Lock.bell))")
    }

    /// Waits until `channel` is notified. - Returns: `false` at the deadline.
    func waitForNotification(on channel: String, until deadline: ContinuousClock.Instant) throws(PGError) -> Bool {
        while true {
            if try heard().contains(where: { $0 == channel }) { return true }
            guard ContinuousClock.now < deadline else { return false }
            try connection.waitForInput(until: deadline)
        }
    }

    /// Forgets what was notified until now.
    func dropNotifications() throws(PGError) { _ = try heard() }

    /// The channels that were notified since the last call.
    private func heard() throws(PGError) -> [String] {
        try connection.notifications().map { channel, payload in
            if channel == OutboxSchema.NotifyChannel.bell, payload == Self.newFollower { heardFollower = true }
            return channel
        }
    }

    /// Notifies ourselves: a connection that has silently stopped hearing looks exactly like a quiet database.
    ///
    /// - Returns: Whether the bell rang meanwhile.
    func probe() throws(PGError) -> Bool {
        try connection.run("notify \(probeChannel)")
        let deadline = ContinuousClock.now + .seconds(2)
        var rung = false
        while true {
            let channels = try heard()
            rung = rung || channels.contains { $0 != probeChannel }
            if channels.contains(probeChannel) { return rung }
            guard ContinuousClock.now < deadline else {
                throw PGError(.timeout, "the connection does not hear its own notifications")
            }
            try connection.waitForInput(until: deadline)
        }
    }

    // MARK: Log

    func state() throws(PGError) -> LogState {
        try Self.state(try connection.run("select epoch, first_tick, truncated_through from doorbell.meta"))
    }

    private static func state(_ found: PGResult) throws(PGError) -> LogState {
        guard let epoch: UInt64 = found.integer(0, 0), let first: UInt64 = found.integer(0, 1),
            let truncated: UInt64 = found.integer(0, 2)
        else { throw PGError(.statement, "doorbell.meta is empty: run 'doorbell uninstall' and 'doorbell install'") }
        return LogState(epoch: epoch, firstTick: first, truncatedThrough: truncated)
    }

    func lastTick() throws(PGError) -> UInt64 {
        try connection.run("select max(tick) from doorbell.ticks").integer(0, 0) ?? 0
    }

    func ticks(from number: UInt64, limit: Int) throws(PGError) -> [Tick] {
        let found = try connection.execute("ticks", [String(number), String(limit)])
        var ticks: [Tick] = []
        for row in 0..<found.count { ticks.append(try Self.tick(found, row)) }
        return ticks
    }

    /// Makes the tick after `last` if there is anything new.
    ///
    /// - Returns: The tick, and its rows by `seq` when they are few and small; `nil` when there is nothing new.
    func makeTick(
        after last: Tick, epoch: UInt64, telling: Bool
    ) throws(PGError) -> (tick: Tick, rows: [OutboxRow]?)? {
        let found: PGResult
        do {
            found = try connection.execute(
                telling ? "tick_and_tell" : "tick",
                [
                    String(last.number), String(last.snapshot.xmax), last.snapshot.runningArray,
                    String(connection.backend), String(epoch),
                ], silence: Self.longSilence)
        } catch  where error.sqlState == "22012" {
            throw PGError(.statement, "a new epoch has begun: somebody installed again")
        }
        guard found.count > 0 else { return nil }
        let tick = try Self.tick(found, 0)
        guard found.text(0, 4) != nil else { return (tick, nil) }
        var rows: [OutboxRow] = []
        for row in 0..<found.count {
            guard let read = OutboxRow(text: found, row: row, from: 4) else { throw Self.notAsInstalled }
            rows.append(read)
        }
        return (tick, rows)
    }

    private static var notAsInstalled: PGError { PGError(.statement, "the outbox is not as installed") }

    /// The rows that `to` sees and `from` does not, after `seq`, ascending by `seq`, one at a time.
    func rows(
        from: Snapshot, to: Snapshot, after seq: Int64, row: (OutboxRow) throws(PGError) -> Void
    ) throws(PGError) {
        let values = [String(from.xmax), from.runningArray, to.description, String(seq)]
        try connection.stream("rows", values, silence: Self.longSilence) { result throws(PGError) in
            guard let read = OutboxRow(result) else { throw Self.notAsInstalled }
            try row(read)
        }
    }

    private static func tick(_ found: PGResult, _ row: Int) throws(PGError) -> Tick {
        guard let number: UInt64 = found.integer(row, 0), let snapshot = found.text(row, 1).flatMap({ Snapshot($0) }),
            let rows: Int = found.integer(row, 2), let at: Int64 = found.integer(row, 3)
        else { throw PGError(.statement, "doorbell.ticks is not as installed") }
        return Tick(number: number, snapshot: snapshot, rows: rows, at: Timestamp(microseconds: at))
    }
}
