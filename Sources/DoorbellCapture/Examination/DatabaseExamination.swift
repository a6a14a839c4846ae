public import DoorbellCore

/// Looks at a database like ``Preflight``, but goes on after what it finds, and also at what changes while the service runs. Changes nothing.
///
/// Blocks while it talks to the database.
public struct DatabaseExamination: Sendable {
    private let conninfo: String
    private let tables: [(name: QualifiedName, columns: [String])]
    private let channels: [PublishedChannels]
    private let retention: Duration
    private let timeout: Duration
    private let longTransaction: Double

    /// - Parameters:
    ///   - tables: Tables that features use, with the columns that they name.
    ///   - channels: What `doorbell.publish` should know.
    ///   - retention: How long changes stay in the outbox.
    ///   - timeout: For the connection.
    ///   - longTransaction: Seconds after which an open transaction is worth a word; after twelve times as much it is a fault.
    public init(
        conninfo: String, tables: [(name: QualifiedName, columns: [String])], channels: [PublishedChannels] = [],
        retention: Duration, timeout: Duration = .seconds(10), longTransaction: Double = 300
    ) {
        self.conninfo = conninfo
        self.tables = tables
        self.channels = channels
        self.retention = retention
        self.timeout = timeout
        self.longTransaction = longTransaction
    }

    /// What was found, in the order in which it is worth reading. Never empty.
    ///
    /// - Parameter now: The wall clock of this machine.
    public func findings(now: () -> Timestamp) -> [Finding] {
        let preflight: Preflight
        do {
            preflight = try Preflight(conninfo: conninfo, timeout: timeout)
        } catch {
            let id = error.code == .unsupported ? "database.version" : "database.connection"
            return [failure(id, error, why: "Without its database the service captures nothing, and clients poll.")]
        }
        var findings = [
            Finding.ok(
                "database.version",
                "PostgreSQL \(preflight.connection.serverVersion / 10_000) at \(preflight.connection.place)")
        ]
        // What stands behind a pooler, or is a standby, is told by nothing else.
        for look in [primary, direct] {
            let found = look(preflight)
            findings.append(found)
            if found.level == .fail { return findings }
        }
        let installed = installed(preflight)
        findings.append(contentsOf: installed)
        // Without the schema there is no outbox to look at, and what is wrong is told.
        if installed.first?.level == .ok { findings.append(outbox(preflight)) }
        for look in [queue, transactions, prepared] { findings.append(look(preflight)) }
        findings.append(clock(preflight, now: now))
        return findings
    }

    // MARK: What is looked at

    private func primary(_ preflight: Preflight) -> Finding {
        look("database.primary", why: "A standby takes no writes, and a table on it has no triggers that fire.") {
            () throws(DoorbellError) in
            try preflight.checkServer()
            return .ok("database.primary", "it is a primary")
        }
    }

    private func direct(_ preflight: Preflight) -> Finding {
        look(
            "database.pooler",
            why:
                "Through a pooler in transaction mode LISTEN and session locks end up with somebody else, and changes would be told late."
        ) { () throws(DoorbellError) in
            try preflight.checkDirectConnection()
            return .ok("database.pooler", "the connection is direct: a notification to itself came back")
        }
    }

    /// Schema, rights, and each table with its triggers.
    private func installed(_ preflight: Preflight) -> [Finding] {
        let schema = look(
            "database.schema", why: "Without its schema and the rights to it the service does not start."
        ) { () throws(DoorbellError) in
            try preflight.checkSchema()
            return .ok("database.schema", "schema doorbell has the right version, and this user may use it")
        }
        guard schema.level == .ok else { return [schema] }
        var findings = [schema]
        let why = "Changes that are not captured are never pushed, and clients of push do not poll for them."
        let states: [CaptureState]
        do {
            states = try preflight.captureStates(of: tables.map(\.name))
        } catch {
            return findings + [failure("database.tables", error, why: why)]
        }
        for (table, state) in zip(tables, states) {
            let id = "database.table.\(table.name)"
            findings.append(
                look(id, why: why) { () throws(DoorbellError) in
                    try preflight.check(table.name, columns: table.columns)
                    if let fault = state.fault { throw fault }
                    guard let remark = state.remarks.first else {
                        return .ok(id, "\(table.name) and its partitions are captured, and every trigger is enabled")
                    }
                    return .warn(
                        id, remark, why: "Some changes of it are told without a key, or not at all.",
                        mend: "Give the table a primary key, or run 'doorbell install'.")
                })
        }
        findings.append(
            look("database.channels", why: "doorbell.publish refuses channels that it does not know.") {
                () throws(DoorbellError) in
                try preflight.knows(channels)
                    ? .ok("database.channels", "doorbell.publish knows the channels of the configuration")
                    : .warn(
                        "database.channels", "doorbell.publish knows other channels than the configuration has",
                        why: "The application's messages on new channels are refused.", mend: "Run 'doorbell install'.")
            })
        return findings
    }

    private func outbox(_ preflight: Preflight) -> Finding {
        look("database.outbox", why: "The outbox takes disk, and a restart reads it.") { () throws(DoorbellError) in
            let found = try preflight.query(
                """
                select (select coalesce(sum(pg_total_relation_size(inhrelid)), 0)::int8
                        from pg_inherits where inhparent = 'doorbell.outbox'::regclass),
                    (select coalesce(sum(rows), 0)::int8 from doorbell.ticks
                        where tick > (select truncated_through from doorbell.meta)),
                    (select coalesce(date_part('epoch', clock_timestamp() - min(at)), 0)
                        from doorbell.ticks
                        where tick > (select truncated_through from doorbell.meta) and rows > 0)
                """, [])
            let bytes: Int64 = found.integer(0, 0) ?? 0
            let rows: Int64 = found.integer(0, 1) ?? 0
            let age = found.text(0, 2).flatMap { Double($0) } ?? 0
            let kept = Double(retention.components.seconds)
            let size =
                "\(bytes / 1_048_576) MiB, \(rows) rows, the oldest \(Self.span(age)) old, kept for \(Self.span(kept))"
            // Tables are emptied when all of their rows are old: an eighth more, and the look every 10 s.
            guard age > kept * 1.5 + 120 else { return .ok("database.outbox", "the outbox has \(size)") }
            return .warn(
                "database.outbox", "the outbox is not being emptied: \(size)",
                why: "It grows, and a restart has to read all of it.",
                mend: "Is the service running? If so, an open transaction holds it back: see database.transactions.")
        }
    }

    private func queue(_ preflight: Preflight) -> Finding {
        look("database.notifications", why: "A full queue makes every transaction that notifies fail.") {
            () throws(DoorbellError) in
            let usage =
                try preflight.column("select pg_notification_queue_usage()", []).first
                .flatMap { Double($0) } ?? 0
            let text = "PostgreSQL's notification queue is \(Self.percent(usage)) full"
            let mend = "A session that listens is idle in a transaction: find it in pg_stat_activity and end it."
            let why = "When it is full, transactions that notify fail, the application's among them."
            switch usage {
            case 0.5...: return .fail("database.notifications", text, why: why, mend: mend)
            case 0.05...: return .warn("database.notifications", text, why: why, mend: mend)
            default: return .ok("database.notifications", text)
            }
        }
    }

    private func transactions(_ preflight: Preflight) -> Finding {
        let id = "database.transactions"
        return look(id, why: "A long transaction keeps the outbox from shrinking.") { () throws(DoorbellError) in
            let found = try preflight.query(
                """
                select pid, date_part('epoch', clock_timestamp() - xact_start),
                    coalesce(usename, ''), coalesce(state, 'not shown to this user')
                from pg_stat_activity
                where xact_start is not null and pid <> pg_backend_pid()
                    and backend_type = 'client backend'
                order by xact_start limit 1
                """, [])
            let age = found.text(0, 1).flatMap { Double($0) } ?? 0
            guard age > longTransaction else {
                return .ok(id, "no transaction is older than \(Self.span(longTransaction))")
            }
            let text =
                "a transaction of user \(found.text(0, 2) ?? "?") (process \(found.text(0, 0) ?? "?"), \(found.text(0, 3) ?? "?")) "
                + "has been open for \(Self.span(age))"
            let why =
                "Messages still leave at once, but the outbox cannot be emptied, and its rows are read again after a restart."
            let mend = "Find out what it is; select pg_terminate_backend(\(found.text(0, 0) ?? "?")) ends it."
            return age > longTransaction * 12
                ? .fail(id, text, why: why, mend: mend) : .warn(id, text, why: why, mend: mend)
        }
    }

    private func prepared(_ preflight: Preflight) -> Finding {
        let id = "database.prepared"
        return look(id, why: "") { () throws(DoorbellError) in
            let count =
                try preflight.column("select current_setting('max_prepared_transactions')", []).first
                .flatMap { Int($0) } ?? 0
            guard count > 0 else {
                return .ok(id, "max_prepared_transactions is 0: the service may sleep until it is woken")
            }
            return .warn(
                id, "max_prepared_transactions is \(count)",
                why:
                    "A transaction that notifies cannot be prepared, so the service looks for changes by itself instead of sleeping.",
                mend: "Set it to 0 when nobody uses PREPARE TRANSACTION.")
        }
    }

    private func clock(_ preflight: Preflight, now: () -> Timestamp) -> Finding {
        let id = "database.clock"
        return look(id, why: "Latency and staleness are measured between the two clocks.") { () throws(DoorbellError) in
            let before = now()
            let text = try preflight.column(
                "select (date_part('epoch', clock_timestamp()) * 1000000)::int8", []
            ).first
            let after = now()
            guard let theirs = text.flatMap({ Int64($0) }) else {
                return .skipped(id, "the database's clock could not be read", mend: "")
            }
            let ours = before.microseconds + (after.microseconds - before.microseconds) / 2
            let skew = Double(theirs - ours) / 1e6
            let uncertainty = after.seconds(since: before) / 2
            guard abs(skew) > max(0.1, 2 * uncertainty) else {
                return .ok(
                    id,
                    "the clocks of this machine and of the database agree within \(Self.span(abs(skew) + uncertainty))")
            }
            return .warn(
                id,
                "the database's clock is \(Self.span(abs(skew))) \(skew > 0 ? "ahead of" : "behind") this machine's",
                why: "Every latency and staleness is wrong by that much; nothing else depends on it.",
                mend: "Let both machines keep their time (chrony, systemd-timesyncd).")
        }
    }

    // MARK: Words

    private func look(
        _ id: String, why: String, _ work: () throws(DoorbellError) -> Finding
    ) -> Finding {
        do {
            return try work()
        } catch {
            return failure(id, error, why: why)
        }
    }

    private func failure(_ id: String, _ error: DoorbellError, why: String) -> Finding {
        .fail(id, error.message, why: why, mend: error.hint ?? "The service's log and the database's log tell more.")
    }

    static func span(_ seconds: Double) -> String {
        switch seconds {
        case ..<1: "\(Int((seconds * 1000).rounded(.up))) ms"
        case ..<120: "\(Int(seconds.rounded())) s"
        case ..<7200: "\(Int((seconds / 60).rounded())) min"
        default: "\(Int((seconds / 3600).rounded())) h"
        }
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}
