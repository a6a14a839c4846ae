public import DoorbellCore

/// What the server says besides publications (PROTOCOL.md, "Server to client"). Publications are encoded by
/// ``PublicationEncoder``, several messages in one by ``MessageBatch``.
///
/// Every `id` is raw JSON text, as the client sent it.
public enum ServerMessage: Equatable, Sendable {
    case welcome(session: String, heartbeat: Int, resumed: Bool)
    case subscribed(Subscribed)
    case unsubscribed(channel: ChannelName, reason: String, id: String?)
    case reset(channel: ChannelName, reason: String, position: Position)
    /// Of what follows on `channel` up to the position `through`, `dropped` messages were left out, because a newer one of the same
    /// row follows.
    case conflated(channel: ChannelName, through: Position, dropped: Int)
    case answer(Answer)
    case response(Response)
    case presence(Presence)
    /// The new token is good. `expires` is when the connection's rights end, as Unix time in milliseconds.
    case refreshed(expires: Int64?, id: String?)
    /// The direct message is in the log: it comes to the channel's subscribers, with this `id`.
    case published(channel: ChannelName, id: String?)
    case pong(id: String?)
    case transport(feature: String, use: Transport)
    case error(ErrorCode, message: String, id: String?, channel: String?)
    /// `reconnectAfter` in milliseconds, already spread out.
    case goodbye(reason: String, reconnectAfter: Int)

    public struct Subscribed: Equatable, Sendable {
        public var channel: ChannelName
        /// Where the stream begins: resuming from here misses nothing.
        public var position: Position
        public var recovered: Bool
        public var version: SchemaVersion
        public var id: String?
        /// The legacy API's answer that let the caller in, asked for after ``position``.
        public var snapshot: Snapshot?

        public init(
            channel: ChannelName, position: Position, recovered: Bool, version: SchemaVersion, id: String? = nil,
            snapshot: Snapshot? = nil
        ) {
            self.channel = channel
            self.position = position
            self.recovered = recovered
            self.version = version
            self.id = id
            self.snapshot = snapshot
        }
    }

    /// A poll answer. `body` is raw JSON when the answer was JSON, else a JSON string of its text.
    public struct Snapshot: Equatable, Sendable {
        public var status: Int
        public var etag: String?
        public var body: [UInt8]

        public init(status: Int, etag: String?, body: [UInt8]) {
            self.status = status
            self.etag = etag
            self.body = body
        }
    }

    public enum Transport: String, Sendable { case poll, push }

    /// The closed list of error codes; PROTOCOL.md says what a client does about each.
    public enum ErrorCode: String, Sendable, CaseIterable {
        /// Not JSON, not an object, a field of the wrong type.
        case badRequest = "bad_request"
        /// No feature has such a channel or polled path.
        case unknownChannel = "unknown_channel"
        /// None of the wanted versions exists; the message lists those that do.
        case unknownVersion = "unknown_version"
        /// The legacy API refused the caller.
        case notAllowed = "not_allowed"
        /// The legacy API could not be asked; try again later.
        case upstreamUnavailable = "upstream_unavailable"
        /// A limit of the connection was reached.
        case limit
        /// Not subscribed.
        case notSubscribed = "not_subscribed"
        /// Already subscribed on this connection.
        case alreadySubscribed = "already_subscribed"
        /// Capture is not live: poll for now.
        case notLive = "not_live"
        /// The service's own database could not be asked in time; try again later.
        case unavailable
        /// This server, or the feature, does not do what was asked.
        case notSupported = "not_supported"
    }
}
