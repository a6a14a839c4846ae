public import DoorbellCore

/// What a client may ask (PROTOCOL.md, "Client to server").
public enum ClientMessage: Equatable, Sendable {
    case subscribe(Subscribe)
    case unsubscribe(channel: String, id: String?)
    case ping(id: String?)
    /// A type that this version does not know: ignored, so that newer clients can talk to older servers.
    case unknown(type: String)

    public struct Subscribe: Equatable, Sendable {
        public var target: Target
        /// Recover from here first. `nil`: `latest`.
        public var since: Since?
        /// Wanted schema versions, best first. Empty: whatever the feature's lowest is.
        public var versions: [SchemaVersion]
        /// Returned unchanged in the answer: the raw JSON text of a string or a number.
        public var id: String?

        public init(target: Target, since: Since? = nil, versions: [SchemaVersion] = [], id: String? = nil) {
            self.target = target
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
}
