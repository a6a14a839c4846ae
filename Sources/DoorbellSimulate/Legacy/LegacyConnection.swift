import CLibPQ
import DoorbellCore
import Foundation

/// One connection to PostgreSQL, used by one thread at a time.
final class LegacyConnection: @unchecked Sendable {
    // Only whoever has taken it out of its pool calls it.
    private let handle: OpaquePointer

    /// A user's rows as most frameworks show them: one SELECT, one JSON array.
    private static let query = """
        select coalesce(json_agg(json_build_object('slot', slot, 'title', title, 'body', body, 'isRead', is_read,
            'revision', revision, 'changedAt', changed_at) order by slot), '[]')::text
        from notifications where user_id = $1
        """

    /// - Throws: ``DoorbellError`` of ``DoorbellError/Code/database``.
    init(_ conninfo: String) throws {
        guard let handle = PQconnectdb(conninfo) else { throw DoorbellError(.database, "out of memory") }
        self.handle = handle
        guard PQstatus(handle) == CONNECTION_OK else { throw DoorbellError(.database, Self.message(handle)) }
        let prepared = PQprepare(handle, "rows", Self.query, 1, nil)
        defer { PQclear(prepared) }
        guard PQresultStatus(prepared) == PGRES_COMMAND_OK else {
            throw DoorbellError(.database, Self.message(handle))
        }
    }

    deinit { PQfinish(handle) }

    /// - Returns: JSON.
    func rows(of user: Int) throws -> [UInt8] {
        try String(user).withCString { user in
            var values: [UnsafePointer<CChar>?] = [user]
            let result = PQexecPrepared(handle, "rows", 1, &values, nil, nil, 0)
            defer { PQclear(result) }
            guard PQresultStatus(result) == PGRES_TUPLES_OK, PQntuples(result) == 1,
                let text = PQgetvalue(result, 0, 0)
            else { throw DoorbellError(.database, Self.message(handle)) }
            let length = Int(PQgetlength(result, 0, 0))
            return UnsafeRawBufferPointer(start: text, count: length).map { $0 }
        }
    }

    private static func message(_ handle: OpaquePointer) -> String {
        String(cString: PQerrorMessage(handle)).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
