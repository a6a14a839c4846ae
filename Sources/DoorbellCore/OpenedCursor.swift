/// Where a client's acknowledgements stand.
public struct OpenedCursor: Hashable, Sendable {
    public let position: Position
    /// There was none, and it begins here.
    public let isNew: Bool

    public init(position: Position, isNew: Bool) {
        self.position = position
        self.isNew = isNew
    }
}
