public import DoorbellCore

/// A message that a feed was pushed: a row change, or a direct message.
public struct FeedMessage: Hashable, Sendable {
    /// Everything that was said, as PROTOCOL.md has it.
    public let members: [String: JSONValue]

    init(_ members: [String: JSONValue]) { self.members = members }

    /// Under which name the feature tells it; `message` for direct messages.
    public var type: String { members["type"]?.string ?? "" }
    public var channel: String? { members["channel"]?.string }
    /// Where it stands in the channel's history.
    public var position: String? { members["position"]?.string }
    /// What happened to the row; `nil` for direct messages, and for what a newer server may have.
    public var operation: Operation? { members["op"]?.string.flatMap { Operation(rawValue: $0) } }
    /// The columns that tell the row apart, with their values.
    public var key: [String: JSONValue]? { members["key"]?.object }
    /// The row after the change, or what a direct message says; `nil` for deletions.
    public var data: JSONValue? { members["data"] }
    /// Unix milliseconds of the commit.
    public var timestamp: Int64? { members["timestamp"]?.integer }
    /// The schema version of `data`.
    public var version: Int64? { members["version"]?.integer }

    /// Whether it tells of a row.
    var isChange: Bool { members["op"]?.string != nil }
}
