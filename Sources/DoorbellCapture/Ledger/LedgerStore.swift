public import DoorbellCore

/// The ledger of all nodes, in the database.
///
/// Each call connects, on a thread of its own, so that nothing else waits: seconds at most. They are few: one a minute, and those for
/// reports.
public struct LedgerStore: Sendable {
    /// How long connecting, a statement, and waiting for a lock may take.
    private static let patience: Duration = .seconds(10)
    /// How long reading for a report may take: a week of a hundred features is some hundred thousand rows.
    private static let readingPatience: Duration = .seconds(60)

    private let conninfo: String
    /// Tells this process's rows from those of others.
    public let node: String

    /// - Parameter node: Of this process only: rows of one that was before it count as another node's.
    public init(conninfo: String, node: String = String(UInt64.random(in: .min ... .max), radix: 36)) {
        self.conninfo = conninfo
        self.node = node
    }

    /// What the database itself has counted so far, for the whole of it.
    public struct DatabaseCount: Sendable, Equatable {
        public let transactions: UInt64?
        /// `nil`: `pg_stat_statements` is not installed, or may not be read.
        public let statements: UInt64?

        public init(transactions: UInt64?, statements: UInt64?) {
            self.transactions = transactions
            self.statements = statements
        }
    }

    /// Writes intervals of this node, each once however often it is tried, rolls up old ones and forgets those that are older than
    /// `retention`.
    ///
    /// - Throws: ``DoorbellError`` when the database is away; then the same can be written again.
    public func write(
        _ rows: [LedgerRow], _ usage: [LedgerUsageRow], now: Timestamp, retention: Duration
    ) async throws(DoorbellError) {
        try await perform { connection throws(PGError) in
            try connection.run("begin")
            if !rows.isEmpty { _ = try connection.query(LedgerSchema.write, [LedgerRows.json(rows, node: node)]) }
            if !usage.isEmpty {
                _ = try connection.query(LedgerSchema.writeUsage, [LedgerRows.json(usage, node: node)])
            }
            try connection.run("commit")
            try rollUp(on: connection, now: now, retention: retention)
        }
    }

    private func rollUp(on connection: PGConnection, now: Timestamp, retention: Duration) throws(PGError) {
        let seconds = now.microseconds / 1_000_000
        try connection.run("begin")
        if try connection.query(LedgerSchema.lock, ["\(LedgerSchema.rollUpLock)"]).boolean(0, 0) {
            for (length, age) in LedgerSchema.levels {
                // Whole intervals only: what is rolled up is not added to.
                let before = (seconds - age) / Int64(length) * Int64(length)
                _ = try connection.query(LedgerSchema.rollUp, ["\(length)", "\(before)"])
                _ = try connection.query(LedgerSchema.rollUpUsage, ["\(length)", "\(before)"])
            }
            let oldest = "\(seconds - retention.components.seconds)"
            _ = try connection.query(LedgerSchema.prune, [oldest])
            _ = try connection.query(LedgerSchema.pruneUsage, [oldest])
        }
        try connection.run("commit")
    }

    /// Rows of intervals become longer ones when they are older than this: seconds of the interval, and of the age.
    public static var levels: [(seconds: Int, age: Int64)] { LedgerSchema.levels }

    /// Gives every row that began at `start` or later to `row`, one at a time: those of other nodes, and of this one those from before
    /// `known`.
    ///
    /// - Parameters:
    ///   - start, known: Seconds since 1970.
    ///   - feature: `nil`: of all.
    ///   - began: Is told first when the first of them began. Called, as `row`, on a thread of the store's, and only where there are any.
    /// - Returns: What was used meanwhile.
    public func read(
        since start: Int64, knownFrom known: Int64, feature: String?, began: @escaping @Sendable (Int64) -> Void,
        row: @escaping @Sendable (LedgerRow) -> Void
    ) async throws(DoorbellError) -> [LedgerUsageRow] {
        try await perform(patience: Self.readingPatience) { connection throws(PGError) in
            let whose = ["\(start)", node, "\(known)"]
            guard let first: Int64 = try connection.query(LedgerSchema.first, whose).integer(0, 0) else { return [] }
            began(first)
            try connection.streamText(LedgerSchema.read, whose + [feature]) { rows in
                if let read = LedgerRows.row(rows, 0) { row(read) }
            }
            return LedgerRows.usage(try connection.query(LedgerSchema.readUsage, whose))
        }
    }

    /// The database's own counters, which only grow but for resets.
    public func databaseCount() async throws(DoorbellError) -> DatabaseCount {
        try await perform { connection throws(PGError) in
            let transactions: UInt64? = try connection.query(LedgerSchema.transactions, []).integer(0, 0)
            var statements: UInt64?
            if let schema = try connection.query(LedgerSchema.statementsSchema, []).text(0, 0) {
                do throws(PGError) {
                    statements = try connection.query(LedgerSchema.statements(in: schema), []).integer(0, 0)
                } catch  where error.kind == .statement {
                    // It is there but was not loaded when the server started, or is not for us.
                }
            }
            return DatabaseCount(transactions: transactions, statements: statements)
        }
    }

    private func perform<Result: Sendable>(
        patience: Duration = Self.patience,
        _ body: @escaping @Sendable (PGConnection) throws(PGError) -> Result
    ) async throws(DoorbellError) -> Result {
        try await CaptureThread.run { () throws(DoorbellError) -> Result in
            do {
                return try body(try connect(patience))
            } catch {
                throw DoorbellError(.database, "the ledger cannot be written or read: \(error)")
            }
        }
    }

    private func connect(_ patience: Duration) throws(PGError) -> PGConnection {
        let connection = try PGConnection(
            conninfo: conninfo, applicationName: "doorbell ledger", timeout: Self.patience)
        let milliseconds = patience.components.seconds * 1000
        try connection.run(
            """
            set search_path = pg_catalog; set default_transaction_isolation = 'read committed';
            set default_transaction_read_only = off; set jit = off; set timezone = 'UTC'; set extra_float_digits = 1;
            set statement_timeout = \(milliseconds); set lock_timeout = \(milliseconds)
            """)
        return connection
    }
}
