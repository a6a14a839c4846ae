public import DoorbellCore

/// Looks at a database and says, in one sentence each, what keeps Doorbell from working with it. Changes nothing.
///
/// Blocks while it talks to the database; used by one thread at a time.
public final class Preflight {
    /// The oldest PostgreSQL that has what capture needs (`xid8`, `pg_snapshot`).
    public static let oldestServer = 130_000

    static let searchPath = "set search_path = pg_catalog"

    let connection: PGConnection

    /// Connects, and refuses servers that are too old.
    public init(conninfo: String, timeout: Duration = .seconds(10)) throws(DoorbellError) {
        do {
            self.connection = try PGConnection(
                conninfo: conninfo, applicationName: "doorbell preflight", timeout: timeout)
        } catch {
            throw Self.explain(error)
        }
        try checkVersion()
        do {
            try connection.run(
                Self.searchPath
                    + "; set default_transaction_isolation = 'read committed'; set statement_timeout = '60s'")
        } catch {
            throw Self.explain(error)
        }
    }

    /// Everything that `serve` needs.
    ///
    /// - Parameters:
    ///   - tables: Tables that features use, with the columns that they name.
    ///   - channels: What `doorbell.publish` should know; `nil`: whatever.
    ///   - installed: Whether schema and triggers have to be in place already.
    /// - Returns: Remarks about what works but not as well as it could.
    public func check(
        tables: [(name: QualifiedName, columns: [String])], channels: [PublishedChannels]? = nil,
        installed: Bool = true
    ) throws(DoorbellError) -> [String] {
        try checkServer()
        try checkDirectConnection()
        var faults: [DoorbellError] = []
        for (name, columns) in tables {
            do throws(DoorbellError) { try check(name, columns: columns) } catch { faults.append(error) }
        }
        if let fault = Self.combined(faults) { throw fault }
        guard installed else { return [] }
        try checkSchema()
        var remarks: [String] = []
        for state in try captureStates(of: tables.map(\.name)) {
            if let fault = state.fault { faults.append(fault) }
            remarks += state.remarks
        }
        if let fault = Self.combined(faults) { throw fault }
        if try allowsPreparedTransactions() {
            remarks.append("max_prepared_transactions is above 0: the service polls instead of sleeping")
        }
        if let channels, try !knows(channels) {
            remarks.append(
                "doorbell.publish knows other channels than the configuration has; run 'doorbell install' to tell it")
        }
        return remarks
    }

    // MARK: Checks

    /// Version, and that it is not a standby.
    public func checkServer() throws(DoorbellError) {
        try checkVersion()
        guard try !exists("select where pg_catalog.pg_is_in_recovery()", []) else {
            throw DoorbellError(
                .unsupported, "PostgreSQL at \(connection.place) is a standby",
                hint: "Connect to the primary (libpq: target_session_attrs=read-write).")
        }
    }

    private func checkVersion() throws(DoorbellError) {
        guard connection.serverVersion >= Self.oldestServer else {
            throw DoorbellError(
                .unsupported, "PostgreSQL at \(connection.place) is version \(connection.serverVersion / 10_000)",
                hint: "Doorbell needs version 13 or newer.")
        }
    }

    /// That nothing between us and the server hands our session to others: LISTEN and session locks would not be ours.
    public func checkDirectConnection() throws(DoorbellError) {
        let pooled = DoorbellError(
            .unsupported, "\(connection.place) is a connection pooler, not PostgreSQL itself",
            hint: "LISTEN and session locks need a direct connection: give Doorbell the server's own address.")
        do {
            let backend: Int32? = try connection.run("select pg_catalog.pg_backend_pid()").integer(0, 0)
            guard backend == connection.backend else { throw pooled }
            let channel = "doorbell_preflight_\(connection.backend)"
            try connection.run("listen \(channel)")
            try connection.run("notify \(channel)")
            let deadline = ContinuousClock.now + .seconds(2)
            while try !connection.notifications().contains(where: { $0.channel == channel }) {
                guard ContinuousClock.now < deadline else { throw pooled }
                try connection.waitForInput(until: deadline)
            }
            try connection.run("unlisten \(channel)")
        } catch let error as PGError {
            throw Self.explain(error)
        } catch let error as DoorbellError {
            throw error
        } catch {
            throw pooled
        }
    }

    /// That the table is there, can be captured, and has the columns.
    public func check(_ name: QualifiedName, columns: [String]) throws(DoorbellError) {
        let found = try table(name)
        let present = try column(
            """
            select attname from pg_catalog.pg_attribute
            where attrelid operator(pg_catalog.=) $1::oid and attnum operator(pg_catalog.>) 0 and not attisdropped
            order by attnum
            """, [String(found.relid)])
        for column in columns where !present.contains(column) {
            throw DoorbellError(
                .configuration, "table \(name) in \(connection.place) has no column '\(column)'",
                hint: "Its columns: \(present.joined(separator: ", ")).")
        }
    }

    /// Our schema, its version, and the right to use it.
    public func checkSchema() throws(DoorbellError) {
        guard let version = try installedVersion() else {
            throw DoorbellError(
                .unsupported, "Doorbell is not installed in \(connection.place)", hint: "Run 'doorbell install'.")
        }
        guard version == OutboxSchema.version else {
            throw DoorbellError(
                .unsupported,
                "schema doorbell in \(connection.place) has version \(version), this is version \(OutboxSchema.version)",
                hint: version < OutboxSchema.version
                    ? "Run 'doorbell install' to bring it up to date; services of the old version end then."
                    : "Run the newer Doorbell.")
        }
        let owner = try owner() ?? "doorbell"
        guard try exists("select where pg_catalog.pg_has_role($1, 'usage')", [owner]) else {
            throw try missingRight(owner: owner)
        }
    }

    /// How each of the tables is captured, in their order. The catalogue's list of numbered tables is read once.
    func captureStates(of tables: [QualifiedName]) throws(DoorbellError) -> [CaptureState] {
        let known = try numberedTables()
        var states: [CaptureState] = []
        for name in tables {
            var state = CaptureState(table: name)
            do throws(DoorbellError) {
                state.remarks = try captureRemarks(on: name, among: known)
            } catch {
                state.fault = error
            }
            states.append(state)
        }
        return states
    }

    /// - Throws: When changes of the table go unseen.
    private func captureRemarks(
        on name: QualifiedName, among known: [UInt32: (id: Int32, name: QualifiedName, mode: CaptureMode?)]
    ) throws(DoorbellError) -> [String] {
        let target = try CaptureTarget(name, on: self)
        guard let entry = known[target.relid], let mode = entry.mode else {
            throw DoorbellError(
                .unsupported, "table \(name) in \(connection.place) is not captured", hint: "Run 'doorbell install'.")
        }
        let found = try triggers(id: entry.id)
        // PostgreSQL made these for partitions, from the trigger of the whole.
        if let off = found.first(where: { $0.cloned && !$0.enabled }) {
            throw DoorbellError(
                .unsupported, "the trigger \(off.trigger) on \(off.table) in \(connection.place) is disabled",
                hint: "Run 'doorbell install'.")
        }
        let present = Set(found.filter(\.enabled).map { "\($0.trigger) on \($0.table)" })
        let missing = target.expectedTriggers(mode: mode).subtracting(present).sorted()
        if let first = missing.first(where: { !$0.hasPrefix(OutboxSchema.truncateTrigger) }) {
            throw DoorbellError(
                .unsupported, "the trigger \(first) in \(connection.place) is missing or disabled",
                hint: "Run 'doorbell install'.")
        }
        var remarks: [String] = []
        if let first = missing.first {
            remarks.append("the trigger \(first) is missing: a TRUNCATE of it goes unseen; run 'doorbell install'")
        }
        if target.hasNoKey { remarks.append("\(name) has no key: its messages carry none") }
        return remarks
    }

    func allowsPreparedTransactions() throws(DoorbellError) -> Bool {
        try exists("select where current_setting('max_prepared_transactions')::int operator(pg_catalog.>) 0", [])
    }

    // MARK: Words

    private func missingRight(owner: String) throws(DoorbellError) -> DoorbellError {
        let user = try user()
        return DoorbellError(
            .permission, "user \(user) may not use schema doorbell in \(connection.place)",
            hint: "As an administrator: GRANT \(SQL.identifier(owner)) TO \(SQL.identifier(user));")
    }

    /// All of them as one, each with its own hint, unless it is that of the next, too.
    static func combined(_ faults: [DoorbellError]) -> DoorbellError? {
        guard let first = faults.first, faults.count > 1 else { return faults.first }
        var lines: [String] = []
        for (index, fault) in faults.enumerated() {
            let next = index + 1 < faults.count ? faults[index + 1] : nil
            lines.append(next?.hint == fault.hint || next == nil ? fault.message : "\(fault)")
        }
        return DoorbellError(first.code, lines.joined(separator: "\n"), hint: faults.last?.hint)
    }

    static func explain(_ error: PGError) -> DoorbellError {
        let text = error.message
        if error.kind == .connection, text.hasPrefix("the connection string") {
            return DoorbellError(
                .configuration, text,
                hint: "Check the URL: 'database' in the configuration, DOORBELL_DATABASE or DATABASE_URL.")
        }
        if text.contains("password") || text.contains("authentication failed") {
            return DoorbellError(
                .permission, "the database refuses the login: \(text)",
                hint: "Check user and password in 'database', or .pgpass.")
        }
        if text.contains("pg_hba.conf") {
            return DoorbellError(
                .permission, "the database refuses the login: \(text)",
                hint: "Add a line to pg_hba.conf for this user, database and address.")
        }
        if text.contains("role \"") && text.contains("does not exist") {
            return DoorbellError(.permission, "the database refuses the login: \(text)", hint: "Check the user's name.")
        }
        if text.contains("permission denied for database") {
            return DoorbellError(
                .permission, "the database refuses the login: \(text)",
                hint: "As an administrator: GRANT CONNECT ON DATABASE … TO this user.")
        }
        switch error.kind {
        case .connection where text.contains("database \"") && text.contains("does not exist"):
            return DoorbellError(.database, text, hint: "Check the name of the database.")
        case .connection, .timeout, .stopped:
            return DoorbellError(
                .database, "cannot reach the database: \(text)",
                hint: "Check that PostgreSQL runs there and that host, port and network let this machine in.")
        case .statement:
            return DoorbellError(error.sqlState == "42501" ? .permission : .database, "the database says: \(text)")
        }
    }
}
