/// The columns of a row on one side of a change: JSON text as PostgreSQL's `row_to_json` wrote it, and where each column
/// stands in it.
///
/// Values are never decoded and encoded again, so numbers keep every digit and `json` columns keep their spelling.
public struct RowImage: Sendable, Equatable {
    /// The whole object, `{"id":1,…}`.
    public let json: [UInt8]
    /// Each column: its name, and the range of its value in ``json``.
    public let columns: [Column]

    public struct Column: Sendable, Equatable {
        public let name: String
        public let value: Range<Int>

        public init(name: String, value: Range<Int>) {
            self.name = name
            self.value = value
        }
    }

    /// - Throws: ``JSONError`` when `json` is not one JSON object.
    public init(json: [UInt8]) throws(JSONError) {
        var scanner = JSONScanner(json)
        var columns: [Column] = []
        columns.reserveCapacity(16)
        try scanner.object { (name, scanner) throws(JSONError) in
            columns.append(Column(name: name, value: try scanner.skipValue()))
        }
        try scanner.end()
        self.json = json
        self.columns = columns
    }

    public static func == (a: RowImage, b: RowImage) -> Bool { a.json == b.json }

    /// The raw JSON of a column; `nil` when the row has no such column.
    public subscript(name: String) -> ArraySlice<UInt8>? {
        index(of: name).map { json[columns[$0].value] }
    }

    /// Where `name` stands in ``columns``; looks from `hint` on first, since readers mostly go in the row's own order.
    public func index(of name: String, from hint: Int = 0) -> Int? {
        let hint = min(max(hint, 0), columns.count)
        for index in hint..<columns.count where columns[index].name == name { return index }
        for index in 0..<hint where columns[index].name == name { return index }
        return nil
    }

    /// A column's value as plain text, for channel names and query parameters: a string's contents, a number's digits,
    /// `true`/`false`, other JSON as it stands. `nil`: no such column; `.some(nil)`: SQL NULL.
    public func text(of name: String) -> String?? {
        guard let value = self[name] else { return nil }
        return .some(JSONScanner.plainText(value))
    }
}
