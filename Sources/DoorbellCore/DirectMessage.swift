/// What somebody said on a channel: no row change, yet with a place in the same log.
public struct DirectMessage: Hashable, Sendable {
    /// The longest ``data``, in bytes of JSON text. `doorbell.publish` refuses longer ones.
    public static let maximumData = 65_536
    /// The longest ``from``, in bytes.
    public static let maximumFrom = 1024
    /// The longest ``session`` and ``id``, in bytes.
    public static let maximumReference = 128

    /// Valid JSON; it goes out as it came in.
    public var data: [UInt8]
    /// The user who said it; `nil`: nobody who is known, or the application.
    public var from: String?
    /// The connection that said it; `nil`: the application.
    public var session: String?
    /// Of that connection's `publish`: the JSON text of a string or a number.
    public var id: String?

    public init(data: [UInt8], from: String? = nil, session: String? = nil, id: String? = nil) {
        self.data = data
        self.from = from
        self.session = session
        self.id = id
    }
}

/// A direct message as the log has it: nothing about it is checked yet but its form.
public struct LoggedMessage: Sendable {
    public let position: Position
    /// What the writer called the channel.
    public let channel: String
    public let message: DirectMessage
    public let committedAt: Timestamp

    public init(position: Position, channel: String, message: DirectMessage, committedAt: Timestamp) {
        self.position = position
        self.channel = channel
        self.message = message
        self.committedAt = committedAt
    }
}
