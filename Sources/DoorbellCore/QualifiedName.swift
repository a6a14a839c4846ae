/// A table's name with its schema, as PostgreSQL stores it (case kept, no quotes).
public struct QualifiedName: Hashable, Sendable, CustomStringConvertible {
    public let schema: String
    public let name: String

    public init(schema: String, name: String) {
        self.schema = schema
        self.name = name
    }

    /// `schema.table`, or `table` for one in `public`. `nil` when a part is empty or there are three.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(schema: parts.count == 2 ? String(parts[0]) : "public", name: String(parts[parts.count - 1]))
    }

    public var description: String { "\(schema).\(name)" }
}
