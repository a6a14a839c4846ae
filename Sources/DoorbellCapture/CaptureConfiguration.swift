public import DoorbellCore

/// Where to capture from, and how hard to work at it.
public struct CaptureConfiguration: Sendable {
    /// When writers are asked to ring.
    public enum Bell: Sendable, Hashable {
        /// While the service sleeps; never when the server allows prepared transactions, whose PREPARE a ring would fail.
        case auto
        /// Never: the service looks every 1 ms when busy to 50 ms when idle, and writers notify nobody.
        case never
    }

    /// Where the database is: anything libpq takes (a URL, keywords, `service=…`). A direct connection, not a pooler's.
    public var conninfo: String
    /// Tables that features use: while one of them is not installed, capture stays down. Default: none are checked.
    public var tables: [QualifiedName]
    /// How long changes stay in the outbox for clients that come back, in time. Default 10 min. At least 1 s; more takes disk
    /// (7/6 of what is written in that time) and makes a start read that much again.
    public var retention: Duration
    /// Default ``Bell/auto``.
    public var bell: Bell
    /// Least time from one tick to the next while there is work. It grows, up to 20 ms, with the rate (above 1,500 rows a second)
    /// and with what a tick costs on this disk. Default 1.5 ms; more than some 20 ms is latency.
    public var tickInterval: Duration
    /// How long a `query` of a channel rule may take. Default 2 s; a longer one is an error of that row.
    public var queryTimeout: Duration
    /// Rows handed to the sink at once. Default 1,000.
    public var batchRows: Int
    /// Bytes of row images handed to the sink at once. Default 1 MiB; one larger row still goes, alone.
    public var batchBytes: Int

    public init(
        conninfo: String, tables: [QualifiedName] = [], retention: Duration = .seconds(600), bell: Bell = .auto,
        tickInterval: Duration = .microseconds(1500), queryTimeout: Duration = .seconds(2), batchRows: Int = 1000,
        batchBytes: Int = 1 << 20
    ) {
        self.conninfo = conninfo
        self.tables = tables
        self.retention = max(.seconds(1), retention)
        self.bell = bell
        self.tickInterval = tickInterval
        self.queryTimeout = queryTimeout
        self.batchRows = max(1, batchRows)
        self.batchBytes = max(1, batchBytes)
    }
}
