import DoorbellCore

/// Moving on to the next outbox table and emptying old ones. The leader's work.
extension LogConnection {
    struct Housekeeping {
        let outbox: RotationPlan.Outbox
        /// Whether another process wants to hear of ticks: then its lock cannot be had alone.
        let hasFollowers: Bool
        let epoch: UInt64
        let watchedTables: Int
        let outboxRows: Int64
        let queueUsage: Double
        let heldBackSeconds: Double
    }

    /// What the leader looks at now and then, in one statement.
    func housekeeping() throws(PGError) -> Housekeeping {
        let sizes = (0..<OutboxSchema.slots).map { "pg_relation_size('doorbell.outbox_\($0)') > 0" }
        let found = try connection.run(
            """
            select (select last_value from doorbell.seq),
                (date_part('epoch', clock_timestamp() - rotated_at) * 1000)::int8,
                case when pg_try_advisory_lock(\(OutboxSchema.Lock.followers))
                    then not pg_advisory_unlock(\(OutboxSchema.Lock.followers)) else true end,
                epoch, (\(RelationCatalog.watchedQuery)),
                (select coalesce(sum(rows), 0)::int8 from doorbell.ticks
                    where tick > (select truncated_through from doorbell.meta)),
                pg_notification_queue_usage(),
                (select coalesce(max(date_part('epoch', clock_timestamp() - xact_start)), 0) from pg_stat_activity
                    where backend_xmin is not null and pid <> pg_backend_pid()),
                \(sizes.joined(separator: ", "))
            from doorbell.meta
            """)
        return Housekeeping(
            outbox: RotationPlan.Outbox(
                sequence: found.integer(0, 0) ?? 0, age: .milliseconds(found.integer(0, 1) ?? Int64(0)),
                filled: (0..<OutboxSchema.slots).map { found.boolean(0, 8 + $0) }),
            hasFollowers: found.boolean(0, 2), epoch: found.integer(0, 3) ?? 0, watchedTables: found.integer(0, 4) ?? 0,
            outboxRows: found.integer(0, 5) ?? 0, queueUsage: found.text(0, 6).flatMap { Double($0) } ?? 0,
            heldBackSeconds: found.text(0, 7).flatMap { Double($0) } ?? 0)
    }

    /// How many tables have triggers of ours that fire. A change of it is reason to look at each.
    func watchedTables() throws(PGError) -> Int {
        try connection.run(RelationCatalog.watchedQuery).integer(0, 0) ?? 0
    }

    func rotate(to sequence: Int64) throws(PGError) {
        // Numbers only grow: whoever asks for one meanwhile gets one of the old table or of the new.
        try connection.run(
            """
            select setval('doorbell.seq', \(sequence));
            update doorbell.meta set rotated_at = clock_timestamp()
            """)
    }

    /// The newest tick that is older than `age`.
    func newestTick(olderThan age: Duration) throws(PGError) -> Tick? {
        let found = try connection.query(
            """
            select tick, snapshot, rows, (date_part('epoch', at) * 1000000)::int8 from doorbell.ticks
            where at < clock_timestamp() - $1::int8 * interval '1 millisecond' order by tick desc limit 1
            """, [String(age.components.seconds * 1000 + age.components.attoseconds / 1_000_000_000_000_000)])
        guard found.count > 0, let number: UInt64 = found.integer(0, 0),
            let snapshot = found.text(0, 1).flatMap({ Snapshot($0) })
        else { return nil }
        return Tick(
            number: number, snapshot: snapshot, rows: found.integer(0, 2) ?? 0,
            at: Timestamp(microseconds: found.integer(0, 3) ?? 0))
    }

    /// Truncates a table if every row in it belongs to `tick` or an earlier one.
    ///
    /// - Returns: `false` when it holds newer rows, or when something (a dump, a reader) holds the table for longer than
    ///   50 ms; to be tried again later.
    func truncate(slot: Int, through tick: Tick) throws(PGError) -> Bool {
        let table = "doorbell.outbox_\(slot)"
        let newer = """
            select exists (select from only \(table) where xid >= '\(tick.snapshot.xmin)'::xid8
                and not pg_visible_in_snapshot(xid, '\(tick.snapshot)'::pg_snapshot))
            """
        // A look without the lock first. Its answer may be out of date only in that a row is missing.
        guard try !connection.run(newer).boolean(0, 0) else { return false }
        do {
            // Only under the lock, which waits for every open transaction that wrote here, does "no newer row" hold.
            try connection.run(
                "begin; set local lock_timeout = '50ms'; lock table only \(table) in access exclusive mode")
            guard try !connection.run(newer).boolean(0, 0) else {
                try connection.run("rollback")
                return false
            }
            try connection.run(
                """
                truncate only \(table);
                update doorbell.meta set truncated_through = greatest(truncated_through, \(tick.number));
                delete from doorbell.ticks where tick < (select truncated_through from doorbell.meta);
                commit
                """)
            return true
        } catch  where error.sqlState == "55P03" {
            try connection.run("rollback")
            return false
        }
    }
}
