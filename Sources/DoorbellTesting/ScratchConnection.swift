import CLibPQ

/// A blocking connection for tests: what the application under capture would do.
public final class ScratchConnection {
    /// What the server said.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
        public let sqlState: String?
    }

    private let handle: OpaquePointer

    public init(_ conninfo: String) throws {
        guard let handle = PQconnectdb(conninfo) else { throw Failure(description: "out of memory", sqlState: nil) }
        guard PQstatus(handle) == CONNECTION_OK else {
            let message = String(cString: PQerrorMessage(handle))
            PQfinish(handle)
            throw Failure(description: message, sqlState: nil)
        }
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        self.handle = handle
    }

    deinit { PQfinish(handle) }

    /// Runs statements; the rows of the last one as text, `nil` for NULL.
    @discardableResult
    public func run(_ sql: String) throws -> [[String?]] {
        guard let result = PQexec(handle, sql) else {
            throw Failure(description: "the connection is lost", sqlState: nil)
        }
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
        default:
            throw Failure(
                description: String(cString: PQresultErrorMessage(result)),
                sqlState: PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) })
        }
        return (0..<PQntuples(result)).map { row in
            (0..<PQnfields(result)).map { column in
                PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
            }
        }
    }

    /// `COPY … FROM STDIN` with these lines.
    public func copy(_ sql: String, _ lines: String) throws {
        PQclear(PQexec(handle, sql))
        PQputCopyData(handle, lines, Int32(lines.utf8.count))
        PQputCopyEnd(handle, nil)
        while let result = PQgetResult(handle) {
            defer { PQclear(result) }
            guard PQresultStatus(result) == PGRES_COMMAND_OK else {
                throw Failure(description: String(cString: PQresultErrorMessage(result)), sqlState: nil)
            }
        }
    }
}
