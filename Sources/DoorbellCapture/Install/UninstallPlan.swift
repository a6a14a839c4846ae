import DoorbellCore

/// The statements that remove everything of ours.
struct UninstallPlan {
    private(set) var statements: [PlannedStatement] = []
    private(set) var remarks: [String] = []
    private(set) var tables: [QualifiedName] = []

    init(_ preflight: Preflight, lockTimeout: Duration) throws(DoorbellError) {
        guard try preflight.installedVersion() != nil else {
            remarks = ["nothing of Doorbell is in \(preflight.connection.place)"]
            return
        }
        let owner = try preflight.owner() ?? "doorbell"
        tables = try preflight.numberedTables().values.filter { $0.mode != nil }.map(\.name)
        let milliseconds =
            lockTimeout.components.seconds * 1000
            + lockTimeout.components.attoseconds / 1_000_000_000_000_000
        add("begin", "begin")
        add("set the lock timeout", "set local lock_timeout = \(milliseconds)")
        add("keep other installers out", "select pg_catalog.pg_advisory_xact_lock(\(OutboxSchema.Lock.install))")
        // The triggers depend on our functions and go with them, whoever owns the tables.
        add("drop the schema and its triggers", "drop schema doorbell cascade")
        let granted = try preflight.column("select granted_to from doorbell.meta where granted_to is not null", [])
            .first
        let created = try preflight.exists("select from doorbell.meta where role_created", [])
        let elsewhere = try preflight.exists(
            """
            select from pg_catalog.pg_shdepend d join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) d.refobjid
            where d.refclassid operator(pg_catalog.=) 'pg_catalog.pg_authid'::regclass
                and r.rolname operator(pg_catalog.=) $1
                and d.dbid operator(pg_catalog.<>)
                    (select oid from pg_catalog.pg_database where datname operator(pg_catalog.=) current_database())
            """, [owner])
        if elsewhere {
            remarks.append("role \(owner) is kept: another database uses it")
        } else if created {
            // Another database may have begun to use it since we looked.
            add(
                "drop the role",
                """
                do $doorbell$ begin drop role if exists \(SQL.identifier(owner));
                exception when dependent_objects_still_exist then null; end $doorbell$
                """)
        } else if let granted {
            add("take the role back", "revoke \(SQL.identifier(owner)) from \(SQL.identifier(granted))")
        }
        add("commit", "commit")
    }

    private mutating func add(_ comment: String, _ sql: String) {
        statements.append(PlannedStatement(comment: comment, sql: sql))
    }
}
