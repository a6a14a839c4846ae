public import DoorbellCore

/// Puts Doorbell's schema and triggers into a database, and takes them out again.
///
/// Each of the two is one transaction: it is done whole or not at all. The connecting user has to own the captured tables
/// (or hold TRIGGER on them) and may create schemas in the database and, unless the role is there, roles.
/// All methods block while they talk to the database: seconds, bounded by `lockTimeout` for each table.
public struct Installer: Sendable {
    private let conninfo: String
    private let tables: [CapturedTable]
    private let messaging: InstallPlan.Messaging
    private let role: String
    private let lockTimeout: Duration

    /// - Parameters:
    ///   - tables: What is captured from now on; triggers on any other table are removed.
    ///   - channels: What `doorbell.publish` takes messages for from now on.
    ///   - publishers: Roles that may call it besides the owner, from now on; they have to exist.
    ///   - role: Owner of schema `doorbell` and of its functions; created without LOGIN when it is not there.
    ///   - lockTimeout: How long to wait for a table that a transaction holds. Creating a trigger waits for open writes, and
    ///     later writes wait behind it, hence short.
    public init(
        conninfo: String, tables: [CapturedTable], channels: [PublishedChannels] = [], publishers: [String] = [],
        role: String = "doorbell", lockTimeout: Duration = .seconds(3)
    ) {
        self.conninfo = conninfo
        self.tables = tables
        self.messaging = InstallPlan.Messaging(channels: channels, publishers: publishers)
        self.role = role
        self.lockTimeout = lockTimeout
    }

    /// Every statement that ``install()`` would run now, in order, each with a comment above it. Changes nothing.
    public func plan() throws(DoorbellError) -> [String] {
        let preflight = try Preflight(conninfo: conninfo)
        return try plan(preflight).statements
            .map { "-- \($0.comment)\n\($0.sql);" }
    }

    /// Installs, or brings what is installed up to the given tables. Doing it twice changes nothing.
    public func install() throws(DoorbellError) -> InstallReport {
        let preflight = try Preflight(conninfo: conninfo)
        try preflight.checkDirectConnection()
        let plan = try plan(preflight)
        try run(plan.statements, on: preflight)
        return InstallReport(
            statements: plan.statements.map(\.sql), tables: tables.map(\.name), remarks: plan.remarks)
    }

    private func plan(_ preflight: Preflight) throws(DoorbellError) -> InstallPlan {
        try InstallPlan(preflight, tables: tables, messaging: messaging, role: role, lockTimeout: lockTimeout)
    }

    /// Removes everything: triggers, schema, and the role if ``install()`` made it and no other database uses it. Nothing
    /// to remove is no error.
    public func uninstall() throws(DoorbellError) -> InstallReport {
        let preflight = try Preflight(conninfo: conninfo)
        let plan = try UninstallPlan(preflight, lockTimeout: lockTimeout)
        try run(plan.statements, on: preflight)
        return InstallReport(statements: plan.statements.map(\.sql), tables: plan.tables, remarks: plan.remarks)
    }

    /// What ``uninstall()`` would run now.
    public func uninstallPlan() throws(DoorbellError) -> [String] {
        try UninstallPlan(Preflight(conninfo: conninfo), lockTimeout: lockTimeout).statements
            .map { "-- \($0.comment)\n\($0.sql);" }
    }

    private func run(_ statements: [PlannedStatement], on preflight: Preflight) throws(DoorbellError) {
        for statement in statements {
            do {
                try preflight.connection.run(statement.sql)
            } catch {
                // Dropping the connection would do as well; this frees the locks now.
                _ = try? preflight.connection.run("rollback")
                throw Self.explain(error, doing: statement.comment, role: role, place: preflight.connection.place)
            }
        }
    }

    private static func explain(
        _ error: PGError, doing: String, role: String, place: String
    ) -> DoorbellError {
        let what = "cannot \(doing) in \(place): \(error.message)"
        switch error.sqlState {
        case "42501":
            return DoorbellError(
                .permission, what,
                hint: "Nothing was changed. Connect as the owner of the tables with CREATE on the database, and as one "
                    + "who may create the role '\(role)' or is a member of it (an administrator: CREATE ROLE \"\(role)\" "
                    + "NOLOGIN; GRANT \"\(role)\" TO your_user).")
        case "55P03":
            return DoorbellError(
                .database, what,
                hint: "Nothing was changed. A transaction holds the table; end it or try again when it is quieter.")
        default:
            return DoorbellError(.database, what, hint: "Nothing was changed.")
        }
    }
}

/// One step of a plan; the comment completes "cannot …".
struct PlannedStatement: Sendable {
    let comment: String
    let sql: String
}
