import DoorbellCore

/// The statements that lead from what is in the database now to what is wanted.
struct InstallPlan {
    private(set) var statements: [PlannedStatement] = []
    private(set) var remarks: [String] = []

    init(
        _ preflight: Preflight, tables: [CapturedTable], messaging: Messaging = Messaging(), role: String,
        lockTimeout: Duration
    ) throws(DoorbellError) {
        try preflight.checkServer()
        let database = preflight.connection
        let installed = try preflight.installedVersion()
        let upgrade = installed.map { OutboxSchema.upgrade(from: $0) } ?? []
        guard let upgrade else {
            throw DoorbellError(
                .unsupported,
                "schema doorbell in \(database.place) has version \(installed ?? 0), this is version "
                    + "\(OutboxSchema.version)",
                hint: "Use the newer Doorbell, or run its 'doorbell uninstall' and then 'doorbell install'.")
        }
        var targets: [(table: CapturedTable, target: CaptureTarget)] = []
        for table in tables {
            let target = try CaptureTarget(table.name, on: preflight)
            if table.mode == .statement { try target.checkStatementMode() }
            targets.append((table, target))
        }
        let milliseconds =
            lockTimeout.components.seconds * 1000
            + lockTimeout.components.attoseconds / 1_000_000_000_000_000
        add("begin", "begin")
        add("set the lock timeout", "set local lock_timeout = \(milliseconds)")
        add("keep other installers out", "select pg_catalog.pg_advisory_xact_lock(\(OutboxSchema.Lock.install))")
        if installed == nil {
            try planObjects(preflight, role: role)
        } else {
            add("become the owner", "set local role \(SQL.identifier(try preflight.owner() ?? role))")
            for statement in upgrade { add("bring the schema up to version \(OutboxSchema.version)", statement) }
            for function in OutboxSchema.functions { add("replace a function", function) }
            add("close the functions to others", "revoke all on all functions in schema doorbell from public")
            add("be ourselves again", "reset role")
        }
        try planMessaging(messaging, preflight, owner: installed == nil ? role : preflight.owner() ?? role)
        try planTriggers(targets, preflight, fresh: installed == nil)
        add("commit", "commit")
    }

    mutating func add(_ comment: String, _ sql: String) {
        statements.append(PlannedStatement(comment: comment, sql: sql))
    }

    private mutating func planObjects(_ preflight: Preflight, role: String) throws(DoorbellError) {
        let owner = SQL.identifier(role)
        let exists = try preflight.exists(
            "select from pg_catalog.pg_roles where rolname operator(pg_catalog.=) $1", [role])
        // CASE: the function fails for a role that is not there.
        let member = try preflight.exists(
            "select where case when $2::bool then pg_catalog.pg_has_role($1, 'member') else false end",
            [role, exists ? "t" : "f"])
        if !exists {
            // Roles belong to the cluster: an install in another database may be making the same one now.
            add(
                "create the role \(owner)",
                """
                do $doorbell$ begin create role \(owner) nologin;
                exception when duplicate_object or unique_violation then null; end $doorbell$
                """)
        }
        let user = try preflight.user()
        let superuser = try preflight.exists(
            "select from pg_catalog.pg_roles where rolname operator(pg_catalog.=) current_user and rolsuper", [])
        // The service truncates outbox tables, which takes ownership; a superuser has it anyway.
        let grants = !member && !superuser
        if grants { add("grant \(owner) to the connecting user", "grant \(owner) to \(SQL.identifier(user))") }
        add("create the schema", "create schema doorbell authorization \(owner)")
        add("become the owner", "set local role \(owner)")
        let compress = try preflight.exists(
            """
            select from pg_catalog.pg_settings
            where name operator(pg_catalog.=) 'default_toast_compression'
                and 'lz4' operator(pg_catalog.=) any (enumvals)
            """, [])
        for statement in OutboxSchema.objects(compress: compress) { add("create the outbox", statement) }
        add("close the functions to others", "revoke all on all functions in schema doorbell from public")
        add("be ourselves again", "reset role")
        add(
            "write down where the log begins",
            """
            insert into doorbell.meta
            select true, \(OutboxSchema.version), \(Identity.newEpoch), 1, 0,
                \(Identity.expressions), pg_catalog.clock_timestamp(), \(!exists), \(grants ? SQL.literal(user) : "null")
            """)
        add(
            "make tick 0",
            "insert into doorbell.ticks values (0, pg_catalog.pg_current_snapshot(), 0, pg_catalog.clock_timestamp())")
    }

    private mutating func planTriggers(
        _ targets: [(table: CapturedTable, target: CaptureTarget)], _ preflight: Preflight, fresh: Bool
    ) throws(DoorbellError) {
        let known = fresh ? [:] : try preflight.numberedTables()
        let wanted = Set(targets.map(\.target.relid))
        for (relid, old) in known.sorted(by: { $0.value.id < $1.value.id })
        where old.mode != nil && !wanted.contains(relid) {
            for (table, trigger, cloned, _) in try preflight.triggers(id: old.id) where !cloned {
                add("remove a trigger from \(table)", "drop trigger if exists \(SQL.identifier(trigger)) on \(table)")
            }
            add(
                "forget \(old.name)",
                """
                update doorbell.tables set mode = '\(OutboxSchema.forgotten)' where id operator(pg_catalog.=) \(old.id)
                """)
        }
        var hasGap = false
        var next = (known.values.map(\.id).max() ?? 0) + 1
        for (table, target) in targets {
            let old = known[target.relid]
            let id = old?.id ?? next
            if old == nil { next += 1 }
            let current = fresh ? [] : try preflight.triggers(id: id)
            let expected = target.expectedTriggers(mode: table.mode)
            // A disabled trigger is made again. A partition's copy belongs to its parent's trigger: it can only be enabled.
            let disabledCopies = current.filter { $0.cloned && !$0.enabled }
            let present = Set(current.filter { $0.enabled || $0.cloned }.map { "\($0.trigger) on \($0.table)" })
            let missing = expected.subtracting(present).filter { !$0.hasPrefix(OutboxSchema.truncateTrigger) }
            hasGap =
                hasGap || !disabledCopies.isEmpty || old != nil && !missing.isEmpty && old?.mode == table.mode
                || old != nil && old?.mode == nil
            add(
                "number \(table.name)",
                """
                insert into doorbell.tables values (\(id), \(target.relid), \(SQL.literal(table.name.schema)), \
                \(SQL.literal(table.name.name)), \(SQL.literal(table.mode.rawValue)))
                on conflict (id) do update set schema_name = excluded.schema_name, table_name = excluded.table_name, \
                mode = excluded.mode
                """)
            let surplus = current.filter { !expected.contains("\($0.trigger) on \($0.table)") && !$0.cloned }
            for (table, trigger, _, _) in surplus {
                add("remove a trigger from \(table)", "drop trigger if exists \(SQL.identifier(trigger)) on \(table)")
            }
            // A trigger that is there already is left alone: making it again would lock the table for nothing.
            for (comment, sql) in target.triggers(mode: table.mode, id: id, except: present) { add(comment, sql) }
            for (table, trigger, _, _) in disabledCopies {
                add(
                    "enable a trigger of \(table)",
                    "alter table \(table) enable always trigger \(SQL.identifier(trigger))")
            }
            if target.hasNoKey {
                remarks.append(
                    "\(table.name) has no primary key, replica identity index or unique index over NOT NULL columns: its "
                        + "messages carry no key")
            }
        }
        if hasGap {
            // What was written meanwhile is not in the log: positions from before it must not be gone on from.
            add("begin a new epoch", OutboxSchema.renewEpoch)
        }
    }
}
