public import DoorbellCore

/// What a client may ask (PROTOCOL.md, "Client to server").
///
/// Every `id` is returned unchanged in the answer: the raw JSON text of a string or a number. A `channel` is what the client
/// wrote, at most 255 bytes, and perhaps no channel's name.
public enum ClientMessage: Equatable, Sendable {
    case subscribe(Subscribe)
    case unsubscribe(channel: String, id: String?)
    /// Everything up to `position` was seen and applied.
    case ack(channel: String, position: Position, id: String?)
    /// Who the client is, where the handshake did not say.
    case auth(token: String, id: String?)
    /// A new token for a living connection.
    case refresh(token: String, id: String?)
    /// A call to the legacy API.
    case request(Request)
    /// `data` is valid JSON, as the client wrote it.
    case publish(channel: String, data: [UInt8], id: String?)
    /// Who is on the channel, now and from now on.
    case presence(channel: String, id: String?)
    /// What the client believes the state at `position` to be.
    case drift(channel: String, position: Position, digest: String, id: String?)
    case ping(id: String?)
    /// A type that this version does not know: ignored, so that newer clients can talk to older servers.
    case unknown(type: String)

    public struct Subscribe: Equatable, Sendable {
        public var target: Target
        /// Recover from here first. `nil`: `latest`.
        public var since: Since?
        /// Wanted schema versions, best first. Empty: whatever the feature's lowest is.
        public var versions: [SchemaVersion]
        /// Which of its user's clients this is, by its own choice: whose durable cursor goes on here, on channels that have one.
        public var client: String?
        /// Whether a new answer may come as a patch to the one before (features with `mode: answer`).
        public var patch: Bool
        public var id: String?

        public init(
            target: Target, since: Since? = nil, versions: [SchemaVersion] = [], client: String? = nil,
            patch: Bool = false,
            id: String? = nil
        ) {
            self.target = target
            self.client = client
            self.patch = patch
            self.since = since
            self.versions = versions
            self.id = id
        }
    }

    public enum Target: Equatable, Sendable {
        case channel(String)
        /// A polled path with its query.
        case poll(String)
    }

    public enum Since: Equatable, Sendable {
        case position(Position)
        /// As far back as history goes.
        case earliest
        /// A text that is not a position of ours; nothing can be recovered from it.
        case unrecognised
    }

    /// A call to the legacy API over the socket, answered by a ``ServerMessage/Response`` with the same `id`.
    public struct Request: Equatable, Sendable {
        public var id: String
        /// A token of RFC 9110, in the case the client wrote it.
        public var method: String
        /// A request target in origin form: begins with `/`, percent-encoded, perhaps with a query, without a fragment.
        public var path: String
        /// Valid names; values of visible ASCII, spaces and tabs. Which of them may be passed on is the server's decision.
        public var headers: [HeaderField]
        public var body: Body

        public init(id: String, method: String, path: String, headers: [HeaderField] = [], body: Body = .none) {
            self.id = id
            self.method = method
            self.path = path
            self.headers = headers
            self.body = body
        }

        public enum Body: Equatable, Sendable {
            case none
            /// Any JSON but a string, as the client wrote it.
            case json([UInt8])
            /// The contents of a JSON string: text of any other kind.
            case text(String)
        }
    }
}

extension ClientMessage {
    /// The `type` on the wire.
    public var type: String {
        switch self {
        case .subscribe: "subscribe"
        case .unsubscribe: "unsubscribe"
        case .ack: "ack"
        case .auth: "auth"
        case .refresh: "refresh"
        case .request: "request"
        case .publish: "publish"
        case .presence: "presence"
        case .drift: "drift"
        case .ping: "ping"
        case .unknown(let type): type
        }
    }

    /// What the answer carries; `nil` where the client gave none.
    public var id: String? {
        switch self {
        case .subscribe(let request): request.id
        case .request(let request): request.id
        case .unsubscribe(_, let id), .ack(_, _, let id), .auth(_, let id), .refresh(_, let id), .publish(_, _, let id),
            .presence(_, let id), .drift(_, _, _, let id), .ping(let id):
            id
        case .unknown: nil
        }
    }
}
