/// SQL that maps a row to channels: `select 'user:' || user_id from members where room = {room_id}`.
///
/// `{column}` becomes a bind parameter with the row's value as text (SQL NULL stays NULL), never text in the statement.
public struct ChannelQuery: Hashable, Sendable {
    /// The text as written.
    public let source: String
    /// The statement with `$1`, `$2`, … in the places of the holes.
    public let statement: String
    /// The column for each parameter.
    public let columns: [String]

    public struct SyntaxError: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// - Throws: ``SyntaxError`` for a hole that is not closed or has no name. The SQL itself is checked by the database.
    public init(_ source: String) throws(SyntaxError) {
        var statement = ""
        var columns: [String] = []
        var rest = Substring(source)
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw SyntaxError(description: "'{' without '}' in the query '\(source)'")
            }
            let column = String(rest[rest.index(after: open)..<close])
            guard !column.isEmpty, !column.contains("{") else {
                throw SyntaxError(description: "'{\(column)}' is not a column in the query '\(source)'")
            }
            statement += rest[..<open]
            let index = columns.firstIndex(of: column) ?? columns.count
            if index == columns.count { columns.append(column) }
            statement += "$\(index + 1)"
            rest = rest[rest.index(after: close)...]
        }
        statement += rest
        self.source = source
        self.statement = statement
        self.columns = columns
    }
}
