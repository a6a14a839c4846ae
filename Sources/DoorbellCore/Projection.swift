/// How a row becomes a payload in one schema version: which columns, under which names.
public enum Projection: Hashable, Sendable {
    /// Every column under its own name, in the table's order.
    case all
    /// These fields, in this order.
    case fields([Field])

    public struct Field: Hashable, Sendable {
        /// The member's name in the payload.
        public let name: String
        public let source: Source

        public init(name: String, source: Source) {
            self.name = name
            self.source = source
        }
    }

    public enum Source: Hashable, Sendable {
        case column(String, cast: Cast?)
        /// JSON text, the same in every message.
        case constant([UInt8])
    }

    public enum Cast: String, Hashable, Sendable, CaseIterable {
        /// Digits as a JSON string: for bigint and numeric in clients that read numbers as doubles.
        case string
        /// A string of digits as a JSON number; anything else fails.
        case number
        /// `true`/`false`, 0/1, `"t"`/`"f"` as a JSON boolean; anything else fails.
        case boolean
    }
}
