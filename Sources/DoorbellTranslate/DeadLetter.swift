public import DoorbellCore

/// A change that a feature could not translate. Its channels were told `reset`, so that nobody believes stale data.
public struct DeadLetter: Sendable, Hashable, CustomStringConvertible {
    /// ``feature`` of a direct message for a channel that no feature has.
    public static let noFeature = "-"

    /// The feature's name.
    public let feature: String
    /// `nil`: not even the table is known.
    public let table: QualifiedName?
    public let position: Position
    /// A sentence for people.
    public let reason: String
    public let committedAt: Timestamp

    public init(
        feature: String, table: QualifiedName?, position: Position, reason: String, committedAt: Timestamp
    ) {
        self.feature = feature
        self.table = table
        self.position = position
        self.reason = reason
        self.committedAt = committedAt
    }

    public var description: String {
        "\(feature): a change of \(table.map(\.description) ?? "an unknown table") at \(position): \(reason)"
    }
}
