/// A captured table as the catalogue describes it now.
///
/// Immutable: when the table is altered, capture makes a new one. Changes that were written before keep the columns that
/// they were written with, because a ``RowImage`` carries its own column names.
public final class Relation: Sendable {
    /// What a column's text in the outbox means, as far as it changes the JSON that clients get.
    public enum ColumnKind: Hashable, Sendable {
        /// `row_to_json` has already made the right JSON.
        case plain
        /// `bytea`: hexadecimal or escaped text in the outbox, base64 for clients.
        case bytes
        /// An array of `bytea`.
        case bytesArray
    }

    /// The number that `install` gave the table; triggers write it into each outbox row.
    public let id: Int32
    public let name: QualifiedName
    /// Columns of the primary key (else of the replica identity, else of the first unique index over NOT NULL columns), in
    /// index order. Empty when the table has none.
    public let key: [String]
    /// Live columns in order.
    public let columns: [(name: String, kind: ColumnKind)]
    private let kinds: [String: ColumnKind]

    public init(id: Int32, name: QualifiedName, key: [String], columns: [(name: String, kind: ColumnKind)]) {
        self.id = id
        self.name = name
        self.key = key
        self.columns = columns
        self.kinds = Dictionary(columns.lazy.filter { $0.kind != .plain }.map { ($0.name, $0.kind) }) { first, _ in
            first
        }
    }

    public func kind(of column: String) -> ColumnKind { kinds[column] ?? .plain }

    /// Whether every column is `.plain`, so that JSON can be passed on as it is.
    public var isPlain: Bool { kinds.isEmpty }
}
