/// One committed change of one row (or one TRUNCATE of one table), in the order of the change log.
public struct Change: Sendable {
    public let position: Position
    public let relation: Relation
    public let operation: Operation
    /// The row before: for `update` and `delete`.
    public let before: RowImage?
    /// The row after: for `insert` and `update`.
    public let after: RowImage?
    /// When the change was committed, as closely as the log knows: not before the write, and not before the tick before.
    public let committedAt: Timestamp

    public init(
        position: Position, relation: Relation, operation: Operation, before: RowImage?, after: RowImage?,
        committedAt: Timestamp
    ) {
        self.position = position
        self.relation = relation
        self.operation = operation
        self.before = before
        self.after = after
        self.committedAt = committedAt
    }
}
