import DoorbellCore

/// One row of the outbox as read, and what it says.
struct OutboxRow {
    let seq: Int64
    let xid: UInt64
    let relation: Int32
    let operation: UInt8
    let old: [UInt8]?
    let new: [UInt8]?
    /// Written at.
    let at: Timestamp

    /// Column order of the statements that read the outbox.
    static let columns = "seq, xid, relation, op, old, new, at"

    /// From a binary row. `nil`: not one that our triggers write.
    init?(_ result: PGResult) {
        guard let seq: Int64 = result.binary(0, 0), let xid: UInt64 = result.binary(0, 1),
            let relation: Int32 = result.binary(0, 2), let operation: UInt8 = result.binary(0, 3),
            let at: Int64 = result.binary(0, 6)
        else { return nil }
        self.seq = seq
        self.xid = xid
        self.relation = relation
        self.operation = operation
        self.old = result.bytes(0, 4).map { [UInt8]($0) }
        self.new = result.bytes(0, 5).map { [UInt8]($0) }
        // PostgreSQL counts microseconds from 2000-01-01.
        self.at = Timestamp(microseconds: at &+ 946_684_800_000_000)
    }

    /// From a row of text, in the same order from `column` on, with the time in microseconds since 1970.
    init?(text result: PGResult, row: Int, from column: Int) {
        guard let seq: Int64 = result.integer(row, column), let xid: UInt64 = result.integer(row, column + 1),
            let relation: Int32 = result.integer(row, column + 2),
            let operation = result.bytes(row, column + 3)?.first, let at: Int64 = result.integer(row, column + 6)
        else { return nil }
        self.seq = seq
        self.xid = xid
        self.relation = relation
        self.operation = operation
        self.old = result.bytes(row, column + 4).map { [UInt8]($0) }
        self.new = result.bytes(row, column + 5).map { [UInt8]($0) }
        self.at = Timestamp(microseconds: at)
    }

    var bytes: Int { (old?.count ?? 0) + (new?.count ?? 0) }

    /// Positions keep room between rows: an update that changes the key is a delete at `2 × seq` and an insert at
    /// `2 × seq + 1`, so that positions are unique in a channel that gets both. Everything else is at `2 × seq`.
    static func position(epoch: UInt64, tick: UInt64, seq: Int64, second: Bool = false) -> Position {
        Position(epoch: epoch, tick: tick, seq: UInt64(max(0, seq)) << 1 | (second ? 1 : 0))
    }

    enum Reading {
        case changes([Change])
        /// The reason.
        case unreadable(String)
    }

    func read(
        as relation: Relation, images: (old: RowImage?, new: RowImage?), position: Position, second: Position,
        committedAt: Timestamp
    ) -> Reading {
        func change(_ operation: Operation, _ before: RowImage?, _ after: RowImage?, at position: Position) -> Change {
            Change(
                position: position, relation: relation, operation: operation, before: before, after: after,
                committedAt: committedAt)
        }
        switch (operation, images.old, images.new) {
        case (UInt8(ascii: "T"), _, _):
            return .changes([change(.truncate, nil, nil, at: position)])
        case (UInt8(ascii: "I"), _, .some(let new)):
            return .changes([change(.insert, nil, new, at: position)])
        case (UInt8(ascii: "D"), .some(let old), _):
            return .changes([change(.delete, old, nil, at: position)])
        case (UInt8(ascii: "U"), .some(let old), .some(let new)):
            if relation.key.contains(where: { old[$0] != new[$0] }) {
                return .changes([change(.delete, old, nil, at: position), change(.insert, nil, new, at: second)])
            }
            return .changes([change(.update, old, new, at: position)])
        case (UInt8(ascii: "I"), _, _), (UInt8(ascii: "D"), _, _), (UInt8(ascii: "U"), _, _):
            return .unreadable("the row is larger than \(OutboxSchema.largestRow) bytes")
        default:
            return .unreadable("the outbox has an operation that is not known here")
        }
    }
}
