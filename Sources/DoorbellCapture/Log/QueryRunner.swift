import DoorbellCore

/// The second connection: catalogue reads, and the channel queries of features. Read only, every statement with a deadline.
///
/// Lives on capture's thread. A failed connection is made again at the next use.
final class QueryRunner: ChannelQueryRunner {
    /// Statements kept prepared; more than this many different ones are prepared again each time.
    static let preparedLimit = 200
    /// Channels that one row may map to. More is an error, so that one row cannot fill the memory.
    static let channelLimit = 10_000

    private let conninfo: String
    private let timeout: Duration
    private let wake: WakePipe
    private var connection: PGConnection?
    private var prepared: [String: String] = [:]

    init(conninfo: String, timeout: Duration, wake: WakePipe) {
        self.conninfo = conninfo
        self.timeout = timeout
        self.wake = wake
    }

    struct TooManyChannels: Error, CustomStringConvertible {
        let description = "the query gives more than \(QueryRunner.channelLimit) channels"
    }

    func channels(for query: ChannelQuery, values: [String?]) throws -> [String] {
        let result = try withConnection { connection throws(PGError) in
            try connection.execute(try name(of: query.statement, on: connection), values)
        }
        guard result.count <= Self.channelLimit else { throw TooManyChannels() }
        return (0..<result.count).compactMap { result.text($0, 0) }
    }

    func withConnection<Result>(
        _ body: (PGConnection) throws(PGError) -> Result
    ) throws(PGError) -> Result {
        do {
            return try body(try current())
        } catch  where error.kind != .statement && error.kind != .stopped {
            // It was idle: the server may have hung up long ago. Once more with a new one.
            close()
            return try body(try current())
        }
    }

    func close() {
        connection = nil
        prepared = [:]
    }

    private func current() throws(PGError) -> PGConnection {
        if let connection { return connection }
        let new = try PGConnection(conninfo: conninfo, applicationName: "doorbell queries", wake: wake)
        let milliseconds = timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000
        // Compiling the catalogue's query takes 80 ms, once every few seconds, while changes wait.
        try new.run(
            """
            set jit = off; set default_transaction_read_only = on; set default_transaction_isolation = 'read committed';
            set statement_timeout = \(milliseconds); set lock_timeout = \(milliseconds); set timezone = 'UTC';
            """)
        try RelationCatalog.prepare(on: new)
        connection = new
        return new
    }

    private func name(of statement: String, on connection: PGConnection) throws(PGError) -> String {
        if let known = prepared[statement] { return known }
        guard prepared.count < Self.preparedLimit else {
            try connection.prepare("", statement)
            return ""
        }
        let name = "channels_\(prepared.count)"
        try connection.prepare(name, statement)
        prepared[statement] = name
        return name
    }
}
