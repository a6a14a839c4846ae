/// Everything of ours in the database, as SQL.
///
/// - `doorbell.outbox` is an empty parent; rows live in `outbox_0` … `outbox_7`. Bits 36 to 38 of a row's `seq` say in which.
///   The service moves on to the next one by `setval`, and truncates those whose rows are all old: nothing is ever deleted.
/// - `doorbell.ticks` turns visibility into order: tick *n* is what its snapshot sees and that of tick *n*−1 does not.
/// - `doorbell.meta` is one row; `doorbell.tables` numbers the captured tables, the number is the triggers' argument.
/// - `doorbell.publish` writes a direct message, and `doorbell.cursors` keeps how far clients have got: see ``MessagingSchema``.
/// - `doorbell.stages` and `doorbell.audit` say where features stand and who put them there: see ``RolloutSchema``.
/// - `doorbell.ledger` and `doorbell.ledger_usage` have what polling and push cost: see ``LedgerSchema``.
///
/// The trigger functions run as the role that owns the schema, with whatever `search_path` the writer has: every function,
/// type and operator in them carries its schema. They name no column of the tables that they watch, and the only
/// statements in them are an insert into our own table and the bell.
///
/// Images are written with the settings of the writer's session: `IntervalStyle` (intervals), `DateStyle` (ranges of dates and
/// times; dates and times themselves are ISO always), `TimeZone` (the offset of a `timestamptz`, never its instant),
/// `bytea_output`, `lc_monetary` and `extra_float_digits`. In their defaults nothing loses a digit (floats: since 12).
enum OutboxSchema {
    /// Counts incompatible layouts. 2: direct messages in the outbox, cursors. 3: stages and their audit log. 4: the
    /// ledger.
    static let version = 5
    /// Rows of `outbox_k` have `k` in these bits of `seq`.
    static let slotShift: Int64 = 36
    static let slots = 8

    /// Advisory lock keys, of the database: "Doorbell" in ASCII with the last byte counting.
    enum Lock {
        /// The bell: shared by transactions that saw the service awake, exclusive while it sleeps.
        static let bell: Int64 = 0x446F_6F72_6265_6C00
        /// Held by the process that makes the ticks, on the connection that makes them.
        static let leader: Int64 = 0x446F_6F72_6265_6C01
        /// Shared by processes that want to hear of ticks.
        static let followers: Int64 = 0x446F_6F72_6265_6C02
        /// Held while the schema is being changed.
        static let install: Int64 = 0x446F_6F72_6265_6C03
    }

    enum NotifyChannel {
        /// Rung by writers when the service sleeps.
        static let bell = "doorbell"
        /// Rung by the leader, for followers, with the commit of each tick.
        static let tick = "doorbell_tick"
    }

    /// First in the order in which PostgreSQL fires triggers (by name), so that a write made by another trigger comes after.
    static let rowTrigger = "!doorbell_row"
    static let truncateTrigger = "!doorbell_truncate"
    static let insertTrigger = "!doorbell_insert"
    static let updateTrigger = "!doorbell_update"
    static let deleteTrigger = "!doorbell_delete"

    /// `doorbell.tables.mode` of a table that is captured no more. Its number is never given to another, whose rows would be
    /// mixed up with those that are still in the outbox.
    static let forgotten = "forgotten"

    /// Starts a new epoch after the last tick.
    static let renewEpoch = """
        update doorbell.meta set epoch = greatest(epoch operator(pg_catalog.+) 1, \(Identity.newEpoch)),
            first_tick = (select max(tick) operator(pg_catalog.+) 1 from doorbell.ticks)
        """

    /// Rows whose JSON (both images) is larger than this many bytes are recorded without their contents, and reach the sink
    /// as unreadable.
    static let largestRow = 16_777_216
    /// Rows that take more than this many bytes, compressed, could be more than PostgreSQL's limit of 1 GB as JSON, which
    /// would fail the application's write: they are converted behind an exception block, whose subtransaction is nothing
    /// beside such a row and too dear for every row.
    static let suspiciousRow = 65_536

    /// Objects, to be created by the owning role. `compress`: the server has lz4.
    static func objects(compress: Bool) -> [String] {
        var statements = [
            "create sequence doorbell.seq as bigint cache 1",
            """
            create table doorbell.meta (
                one boolean primary key default true check (one),
                version integer not null,
                epoch bigint not null,
                first_tick bigint not null,
                truncated_through bigint not null,
                system_identifier bigint not null,
                timeline text not null,
                database oid not null,
                rotated_at timestamptz not null,
                role_created boolean not null,
                granted_to text)
            """,
            """
            create table doorbell.tables (
                id integer primary key,
                relid oid not null unique,
                schema_name text not null,
                table_name text not null,
                mode text not null)
            """,
            """
            create table doorbell.ticks (
                tick bigint primary key,
                snapshot pg_catalog.pg_snapshot not null,
                rows bigint not null,
                at timestamptz not null)
            """,
            """
            create table doorbell.outbox (
                seq bigint not null,
                xid xid8 not null default pg_catalog.pg_current_xact_id(),
                relation integer not null,
                op "char" not null,
                old text,
                new text,
                at timestamptz not null default pg_catalog.clock_timestamp())
            """,
        ]
        if compress {
            statements.append(
                "alter table doorbell.outbox alter column old set compression lz4, alter column new set compression lz4"
            )
        }
        for slot in 0..<slots {
            // Nothing in it is ever updated or deleted, and TRUNCATE resets its age: there is nothing to vacuum.
            statements.append(
                """
                create table doorbell.outbox_\(slot) (like doorbell.outbox including all)
                    with (autovacuum_enabled = false, toast.autovacuum_enabled = false)
                """)
            statements.append("alter table doorbell.outbox_\(slot) inherit doorbell.outbox")
            statements.append("create index outbox_\(slot)_xid on doorbell.outbox_\(slot) (xid)")
        }
        return statements + MessagingSchema.tables + RolloutSchema.objects + LedgerSchema.objects + functions
    }

    /// What version `old` lacks, to be run by the owning role. `nil`: it cannot be brought up to this one.
    static func upgrade(from old: Int) -> [String]? {
        let added = [
            2: MessagingSchema.tables, 3: RolloutSchema.objects, 4: LedgerSchema.objects, 5: LedgerSchema.buffers,
        ]
        guard (1...version).contains(old) else { return nil }
        let lacking = (old + 1..<version + 1).flatMap { added[$0] ?? [] }
        return lacking.isEmpty ? [] : lacking + ["update doorbell.meta set version = \(version)"]
    }

    static var functions: [String] {
        [
            function("capture_row", declare: declaration + images, body: rowBody),
            function("capture_truncate", declare: declaration, body: truncateBody),
        ] + StatementCapture.functions + [MessagingSchema.publish, RolloutSchema.setStage]
    }

    /// - Parameter settings: `set` clauses. They cost some 2 µs a call, too dear for each row.
    static func function(_ name: String, settings: String = "", declare: String, body: String) -> String {
        """
        create or replace function doorbell.\(name)() returns trigger language plpgsql security definer \(settings)
        as $doorbell$
        declare
        \(indent(declare, by: 4))
        begin
        \(indent(body, by: 4))
            return null;
        end
        $doorbell$
        """
    }

    static let declaration = """
        s pg_catalog.int8 := pg_catalog.nextval('doorbell.seq'::pg_catalog.regclass);
        slot pg_catalog.int8 := (s operator(pg_catalog.>>) \(slotShift)) operator(pg_catalog.&) \(slots - 1);
        """

    private static let images = "\nbefore pg_catalog.text;\nafter pg_catalog.text;"

    /// After the outbox has the row: see ``CaptureStateMachine`` for why this order loses no wake-up.
    static let ring = """
        if not pg_catalog.pg_try_advisory_xact_lock_shared(\(Lock.bell)) then
            perform pg_catalog.pg_notify('\(NotifyChannel.bell)', '');
        end if;
        """

    private static var rowBody: String {
        func insert(_ old: String, _ new: String) -> String {
            bySlot { slot in
                """
                insert into doorbell.outbox_\(slot) (seq, relation, op, old, new)
                values (s, TG_ARGV[0]::pg_catalog.int4, TG_OP::pg_catalog."char", \(old), \(new));
                """
            }
        }
        let (old, new) = (
            "pg_catalog.row_to_json(OLD)::pg_catalog.text", "pg_catalog.row_to_json(NEW)::pg_catalog.text"
        )
        let length =
            "coalesce(pg_catalog.octet_length(before), 0) operator(pg_catalog.+) "
            + "coalesce(pg_catalog.octet_length(after), 0)"
        return """
            if pg_catalog.pg_column_size(OLD) operator(pg_catalog.>) \(suspiciousRow)
                or pg_catalog.pg_column_size(NEW) operator(pg_catalog.>) \(suspiciousRow)
            then
                begin
                    before := \(old);
                    after := \(new);
                    if \(length) operator(pg_catalog.>) \(largestRow) then
                        before := null;
                        after := null;
                    end if;
                exception when others then
                    before := null;
                    after := null;
                end;
            \(indent(insert("before", "after"), by: 4))
            else
            \(indent(insert(old, new), by: 4))
            end if;
            \(ring)
            """
    }

    private static var truncateBody: String {
        bySlot { slot in
            """
            insert into doorbell.outbox_\(slot) (seq, relation, op) values (s, TG_ARGV[0]::pg_catalog.int4, 'T');
            """
        } + "\n" + ring
    }

    /// The statement for each of the eight tables behind a tree of three comparisons: their plans are cached, which
    /// `EXECUTE` with a name put together would not be, and `CASE` in plpgsql looks `=` up in the writer's `search_path`.
    static func bySlot(_ slots: Range<Int> = 0..<slots, _ statement: (Int) -> String) -> String {
        guard slots.count > 1 else { return statement(slots.lowerBound) }
        let middle = (slots.lowerBound + slots.upperBound) / 2
        return """
            if slot operator(pg_catalog.<) \(middle) then
            \(indent(bySlot(slots.lowerBound..<middle, statement), by: 4))
            else
            \(indent(bySlot(middle..<slots.upperBound, statement), by: 4))
            end if;
            """
    }

    static func indent(_ text: String, by count: Int) -> String {
        let space = String(repeating: " ", count: count)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : space + $0 }
            .joined(separator: "\n")
    }

    // MARK: Triggers

    /// `ENABLE ALWAYS`: rows that arrive by logical replication, or under `session_replication_role = replica`, are changes
    /// of the table like any others.
    static func trigger(_ name: String, _ event: String, on table: String, calling function: String, id: Int32)
        -> [String]
    {
        [
            "drop trigger if exists \(SQL.identifier(name)) on \(table)",
            "create trigger \(SQL.identifier(name)) \(event) execute function doorbell.\(function)('\(id)')",
            "alter table \(table) enable always trigger \(SQL.identifier(name))",
        ]
    }
}
