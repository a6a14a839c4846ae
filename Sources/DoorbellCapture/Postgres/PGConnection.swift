import CLibPQ

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// One libpq connection, used by one thread, never blocking in libpq: every wait is a `poll()` that also watches a
/// ``WakePipe`` and has a deadline.
///
/// After an error of kind `.connection`, `.timeout` or `.stopped` the connection is good for nothing but being dropped.
final class PGConnection {
    /// How long a statement may go without a single byte from the server before the connection is taken for dead.
    static let silence: Duration = .seconds(30)

    private let handle: OpaquePointer
    private let wake: WakePipe?
    /// The server process that serves this connection; changes behind a pooler.
    let backend: Int32

    /// Connects. Host name lookup is libpq's own and blocks; everything after it keeps to `timeout`.
    ///
    /// `conninfo` may be a URL, keywords or `service=`; `.pgpass` and the `PG*` variables work because libpq does them.
    init(
        conninfo: String, applicationName: String = "doorbell", timeout: Duration = .seconds(10), wake: WakePipe? = nil
    ) throws(PGError) {
        try ConnectionText.check(conninfo)
        // What stands before dbname are defaults that the user's own text overrides; what comes after overrides it.
        let options = [
            ("fallback_application_name", applicationName), ("keepalives", "1"), ("keepalives_idle", "15"),
            ("keepalives_interval", "5"), ("keepalives_count", "3"), ("tcp_user_timeout", "30000"),
            ("dbname", conninfo), ("client_encoding", "UTF8"),
        ]
        let started = Self.withCStrings(options.map(\.0)) { keys in
            Self.withCStrings(options.map(\.1)) { values in PQconnectStartParams(keys, values, 1) }
        }
        guard let started else { throw PGError(.connection, "libpq is out of memory") }
        self.handle = started
        self.wake = wake
        do {
            try Self.finishConnecting(started, within: timeout, wake: wake)
        } catch {
            PQfinish(started)
            throw error
        }
        PQsetnonblocking(started, 1)
        // Notices would go to standard error.
        PQsetNoticeProcessor(started, { _, _ in }, nil)
        self.backend = PQbackendPID(started)
    }

    deinit { PQfinish(handle) }

    /// Like 150000 for version 15.
    var serverVersion: Int { Int(PQserverVersion(handle)) }

    /// `host:port/database` as a person would name it; no user, no password.
    var place: String {
        let host = PQhost(handle).map { String(cString: $0) } ?? ""
        let port = PQport(handle).map { String(cString: $0) } ?? ""
        let database = PQdb(handle).map { String(cString: $0) } ?? ""
        return "\(host):\(port)/\(database)"
    }

    // MARK: Statements

    /// Runs one or more statements without parameters; the result of the last one.
    @discardableResult
    func run(_ sql: String, silence: Duration = PGConnection.silence) throws(PGError) -> PGResult {
        try sent(PQsendQuery(handle, sql))
        return try results(silence: silence)
    }

    func prepare(_ name: String, _ sql: String) throws(PGError) {
        try sent(PQsendPrepare(handle, name, sql, 0, nil))
        _ = try results(silence: Self.silence)
    }

    /// Runs a prepared statement; parameters are text, `nil` is SQL NULL.
    func execute(
        _ name: String, _ values: [String?] = [], silence: Duration = PGConnection.silence
    ) throws(PGError) -> PGResult {
        try sent(
            Self.withCStrings(values) { PQsendQueryPrepared(handle, name, Int32(values.count), $0, nil, nil, 0) })
        return try results(silence: silence)
    }

    /// Runs a statement with parameters; the fields come as text.
    func query(_ sql: String, _ values: [String?]) throws(PGError) -> PGResult {
        try sent(
            Self.withCStrings(values) { PQsendQueryParams(handle, sql, Int32(values.count), nil, $0, nil, nil, 0) })
        return try results(silence: Self.silence)
    }

    /// Runs a prepared statement and calls `row` with each row as it comes, in binary. Memory holds one row at a time;
    /// while `row` works, the server waits.
    func stream(
        _ name: String, _ values: [String?], silence: Duration = PGConnection.silence,
        row: (PGResult) throws(PGError) -> Void
    ) throws(PGError) {
        try sent(
            Self.withCStrings(values) { PQsendQueryPrepared(handle, name, Int32(values.count), $0, nil, nil, 1) })
        try rows(silence: silence, row)
    }

    /// The same of a statement that is not prepared; the fields come as text.
    func streamText(
        _ sql: String, _ values: [String?], row: (PGResult) throws(PGError) -> Void
    ) throws(PGError) {
        try sent(
            Self.withCStrings(values) { PQsendQueryParams(handle, sql, Int32(values.count), nil, $0, nil, nil, 0) })
        try rows(silence: Self.silence, row)
    }

    private func rows(silence: Duration, _ row: (PGResult) throws(PGError) -> Void) throws(PGError) {
        PQsetSingleRowMode(handle)
        var failure: PGError?
        while let result = try next(silence: silence) {
            switch PQresultStatus(result.raw) {
            case PGRES_SINGLE_TUPLE:
                if failure == nil {
                    do { try row(result.owner) } catch { failure = error }
                }
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK: break
            default: failure = failure ?? error(of: result.raw)
            }
        }
        if let failure { throw failure }
    }

    // MARK: Notifications

    /// What was notified since the last call: channel and payload. Reads what is already here, does not wait.
    func notifications() throws(PGError) -> [(channel: String, payload: String)] {
        guard PQconsumeInput(handle) == 1 else { throw lost() }
        var all: [(String, String)] = []
        while let notification = PQnotifies(handle) {
            all.append((String(cString: notification.pointee.relname), String(cString: notification.pointee.extra)))
            PQfreemem(notification)
        }
        return all
    }

    /// Waits until the server says something, at most until `deadline`. - Throws: `.stopped` by the pipe.
    func waitForInput(until deadline: ContinuousClock.Instant) throws(PGError) {
        _ = try Self.poll(PQsocket(handle), for: Int16(POLLIN), until: deadline, wake: wake)
    }

    // MARK: Inside

    private func sent(_ status: Int32) throws(PGError) {
        guard status == 1 else { throw lost() }
    }

    private func results(silence: Duration) throws(PGError) -> PGResult {
        var last: PGResult?
        var failure: PGError?
        while let result = try next(silence: silence) {
            switch PQresultStatus(result.raw) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: last = result.owner
            default: failure = failure ?? error(of: result.raw)
            }
        }
        if let failure { throw failure }
        guard let last else { throw lost() }
        return last
    }

    private func next(silence: Duration) throws(PGError) -> (raw: OpaquePointer, owner: PGResult)? {
        var flushed = false
        var deadline = ContinuousClock.now + silence
        while true {
            if !flushed {
                switch PQflush(handle) {
                case 0: flushed = true
                case 1: break
                default: throw lost()
                }
            }
            if flushed && PQisBusy(handle) == 0 {
                guard let result = PQgetResult(handle) else { return nil }
                return (result, PGResult(result))
            }
            let events = Int16(flushed ? POLLIN : POLLIN | POLLOUT)
            guard try Self.poll(PQsocket(handle), for: events, until: deadline, wake: wake) else {
                throw PGError(.timeout, "the database has not answered for \(silence)")
            }
            guard PQconsumeInput(handle) == 1 else { throw lost() }
            deadline = ContinuousClock.now + silence
        }
    }

    private func error(of result: OpaquePointer) -> PGError {
        let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) }
        let message =
            PQresultErrorField(result, Int32(UInt8(ascii: "M"))).map { String(cString: $0) }
            ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? "unknown error"
        // A server that goes down, or an administrator who ends us, says so before it hangs up.
        let ending = PQstatus(handle) != CONNECTION_OK || state?.hasPrefix("57P") == true || state == nil
        return PGError(ending ? .connection : .statement, Self.line(message), sqlState: state)
    }

    private func lost() -> PGError {
        let message = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
        return PGError(.connection, message.isEmpty ? "the connection is lost" : Self.line(message))
    }

    private static func finishConnecting(
        _ handle: OpaquePointer, within timeout: Duration, wake: WakePipe?
    ) throws(PGError) {
        let deadline = ContinuousClock.now + timeout
        func failure() -> PGError {
            let message = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
            return PGError(.connection, message.isEmpty ? "cannot connect" : line(message))
        }
        guard PQstatus(handle) != CONNECTION_BAD else { throw failure() }
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            guard state != PGRES_POLLING_FAILED else { throw failure() }
            let events = Int16(state == PGRES_POLLING_READING ? POLLIN : POLLOUT)
            guard try poll(PQsocket(handle), for: events, until: deadline, wake: wake) else {
                throw PGError(.timeout, "no connection within \(timeout)")
            }
            state = PQconnectPoll(handle)
        }
    }

    /// `true` when the socket is ready, `false` at the deadline. - Throws: `.stopped`.
    private static func poll(
        _ socket: Int32, for events: Int16, until deadline: ContinuousClock.Instant, wake: WakePipe?
    ) throws(PGError) -> Bool {
        while true {
            if wake?.isStopped == true { throw .stopped }
            var watched = [
                pollfd(fd: socket, events: events, revents: 0),
                pollfd(fd: wake?.readEnd ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return false }
            // Rounded up: a wait of 0 ms would spin until the deadline has passed.
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
            let ready = systemPoll(&watched, Int32(clamping: milliseconds))
            if wake?.isStopped == true { throw .stopped }
            if ready > 0, watched[0].revents != 0 { return true }
        }
    }

    private static func line(_ message: String) -> String {
        message.split(whereSeparator: \.isNewline)
            .map { $0.drop(while: \.isWhitespace) }
            .joined(separator: "; ")
    }

    /// Null-terminated, so that it serves PQconnectStartParams too.
    private static func withCStrings<Result>(
        _ strings: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
    ) -> Result {
        let copies = strings.map { $0.flatMap { strdup($0) } }
        defer { copies.forEach { free($0) } }
        let pointers = copies.map { UnsafePointer($0) } + [nil]
        return pointers.withUnsafeBufferPointer { buffer in body(buffer.baseAddress) }
    }
}

/// Inside the class the name `poll` is our own.
private func systemPoll(_ watched: inout [pollfd], _ milliseconds: Int32) -> Int32 {
    poll(&watched, nfds_t(watched.count), milliseconds)
}
