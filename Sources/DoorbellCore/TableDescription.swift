/// A table or view as the catalogue and the statistics describe it. No row of it was read.
public struct TableDescription: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case table, partitioned, view, foreign
        /// A view that keeps what it read until somebody refreshes it.
        case materialized
    }

    public struct Column: Sendable, Equatable {
        public var name: String
        /// As SQL writes it: `bigint`, `character varying(20)`.
        public var type: String

        public init(_ name: String, _ type: String) {
            self.name = name
            self.type = type
        }
    }

    /// A foreign key.
    public struct Reference: Sendable, Equatable {
        public var columns: [String]
        public var table: QualifiedName
        public var targets: [String]

        public init(_ columns: [String], to table: QualifiedName, _ targets: [String]) {
            self.columns = columns
            self.table = table
            self.targets = targets
        }
    }

    public var name: QualifiedName
    public var kind: Kind
    public var columns: [Column]
    /// The columns that tell rows apart; empty without a key.
    public var key: [String]
    public var references: [Reference]
    /// Of all levels.
    public var partitions = 0
    /// About; partitions included.
    public var rows = 0
    /// Inserted, updated and deleted rows since the statistics began.
    public var writes = 0
    /// `nil`: unknown.
    public var writesPerSecond: Double?
    /// Whether the connecting user may create triggers on it.
    public var mayTrigger = true
    public var isView: Bool { kind == .view || kind == .materialized }
    /// The tables that a view reads.
    public var sources: [QualifiedName] = []

    public init(
        _ name: QualifiedName, kind: Kind = .table, columns: [Column] = [], key: [String] = [],
        references: [Reference] = []
    ) {
        self.name = name
        self.kind = kind
        self.columns = columns
        self.key = key
        self.references = references
    }
}
