import DoorbellCore

/// The connection that ``DatabaseWriter`` writes on, with its statements prepared. Lives on the writer's thread.
final class WriterConnection {
    /// How long connecting, a statement, and waiting for a lock may take.
    static let patience: Duration = .seconds(3)

    private let connection: PGConnection

    init(conninfo: String) throws(PGError) {
        connection = try PGConnection(
            conninfo: conninfo, applicationName: "doorbell writer", timeout: Self.patience)
        let idle = connection.serverVersion >= 140_000 ? "set idle_session_timeout = 0;" : ""
        let milliseconds = Self.patience.components.seconds * 1000
        try connection.run(
            """
            set search_path = pg_catalog; set default_transaction_isolation = 'read committed';
            set default_transaction_read_only = off; set synchronous_commit = on; set jit = off;
            set statement_timeout = \(milliseconds); set lock_timeout = \(milliseconds); \(idle)
            """)
        for (name, sql) in Self.statements { try connection.prepare(name, sql) }
    }

    private static let statements: [(String, String)] = [
        (
            "publish",
            """
            select doorbell.publish(m.channel, m.data::json, m.sender, m.session, m.id::json)
            from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) m(channel, data, sender, session, id)
            """
        ),
        (
            // Sorted, so that two nodes never wait for each other. A row that is made here has no `xmax`.
            "open",
            """
            insert into doorbell.cursors (identity, client, channel, epoch, tick, seq)
            select * from \(cursorRows)
            on conflict (identity, client, channel) do update set touched_at = clock_timestamp()
            returning identity, client, channel, epoch, tick, seq, xmax = 0
            """
        ),
        (
            // Several nodes may write one cursor: whatever comes last, it never goes back.
            "move",
            """
            insert into doorbell.cursors as c (identity, client, channel, epoch, tick, seq)
            select * from \(cursorRows)
            on conflict (identity, client, channel) do update
                set epoch = excluded.epoch, tick = excluded.tick, seq = excluded.seq, touched_at = clock_timestamp()
                where (excluded.epoch, excluded.tick, excluded.seq) > (c.epoch, c.tick, c.seq)
            """
        ),
        (
            "prune",
            "delete from doorbell.cursors where touched_at < clock_timestamp() - $1::int8 * interval '1 millisecond'"
        ),
    ]

    private static let cursorRows = """
        unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::int8[], $6::int8[])
            r(identity, client, channel, epoch, tick, seq) order by r.identity, r.client, r.channel
        """

    /// Finds out that the server has hung up meanwhile, without asking it. - Throws: `.connection` then.
    func check() throws(PGError) {
        // The first reading may find the server's farewell, the second what comes after it.
        for _ in 0..<2 { _ = try connection.notifications() }
    }

    /// In this order, in one transaction, all or none.
    func publish(_ messages: [WriteQueue.Publish]) throws(PGError) {
        _ = try connection.execute(
            "publish",
            [
                SQL.array(messages.map(\.channel.rawValue)),
                SQL.array(messages.map { String(decoding: $0.message.data, as: UTF8.self) }),
                SQL.array(messages.map(\.message.from)), SQL.array(messages.map(\.message.session)),
                SQL.array(messages.map(\.message.id)),
            ], silence: Self.silence)
    }

    /// - Parameter cursors: Of different keys.
    func open(_ cursors: [CursorKey: Position]) throws(PGError) -> [CursorKey: OpenedCursor] {
        let found = try connection.execute("open", Self.columns(cursors), silence: Self.silence)
        var opened: [CursorKey: OpenedCursor] = [:]
        for row in 0..<found.count {
            guard let identity = found.text(row, 0), let client = found.text(row, 1),
                let channel = found.text(row, 2).flatMap({ ChannelName($0) }),
                let epoch: UInt64 = found.integer(row, 3),
                let tick: UInt64 = found.integer(row, 4), let seq: UInt64 = found.integer(row, 5)
            else { continue }
            opened[CursorKey(identity: identity, client: client, channel: channel)] = OpenedCursor(
                position: Position(epoch: epoch, tick: tick, seq: seq), isNew: found.boolean(row, 6))
        }
        return opened
    }

    func move(_ cursors: [CursorKey: Position]) throws(PGError) {
        _ = try connection.execute("move", Self.columns(cursors), silence: Self.silence)
    }

    func prune(olderThan age: Duration) throws(PGError) {
        let milliseconds = age.components.seconds * 1000 + age.components.attoseconds / 1_000_000_000_000_000
        _ = try connection.execute("prune", [String(milliseconds)], silence: Self.silence)
    }

    /// The server ends a statement itself before.
    private static let silence = patience + .seconds(1)

    private static func columns(_ cursors: [CursorKey: Position]) -> [String] {
        let rows = Array(cursors)
        return [
            SQL.array(rows.map(\.key.identity)), SQL.array(rows.map(\.key.client)),
            SQL.array(rows.map(\.key.channel.rawValue)), SQL.array(rows.map { String($0.value.epoch) }),
            SQL.array(rows.map { String($0.value.tick) }), SQL.array(rows.map { String($0.value.seq) }),
        ]
    }
}
