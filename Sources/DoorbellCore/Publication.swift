/// One message on one channel at one position, with its encodings.
///
/// Shared by reference by the history and by every event loop; encoded at most once per schema version.
public final class Publication: Sendable {
    public enum Content: Sendable {
        /// One row change, rendered in every version of the feature.
        case change(Operation, [Rendition])
        /// Something changed: fetch again.
        case signal
        /// Said by a client or by the application.
        case message(DirectMessage)
        /// The stream has a hole that cannot be filled: fetch again, then go on from here.
        case reset(reason: String)
    }

    /// A row change in one schema version. All members are JSON text.
    public struct Rendition: Sendable {
        public let version: SchemaVersion
        /// An object of the key columns; `nil` for `truncate` and for tables without a key.
        public let key: [UInt8]?
        /// The projected row: for `insert` and `update`.
        public let data: [UInt8]?
        /// Names of the members of `data` that differ from the row before: for `update`.
        public let changed: [String]?

        public init(version: SchemaVersion, key: [UInt8]?, data: [UInt8]?, changed: [String]?) {
            self.version = version
            self.key = key
            self.data = data
            self.changed = changed
        }
    }

    public let feature: Feature
    public let channel: ChannelName
    public let position: Position
    /// The message before it in this channel; `nil`: none is known.
    public let previous: Position?
    public let committedAt: Timestamp
    public let content: Content
    private typealias Encoding = (version: SchemaVersion, message: EncodedMessage)
    /// Of ``first`` and ``others``: one of a few for all publications, since most of them are only history, and locks of their own would take
    /// more memory than many of their rows. Encoding asks for no other publication's. The values are not used; that they are numbers keeps
    /// ThreadSanitizer from taking access to nothing for access to what lies behind it.
    private static let locks = (0..<64).map { _ in Locked(0) }
    // Both are only touched under the publication's lock.
    /// In the version that was asked for first: most features have no other.
    private nonisolated(unsafe) var first: Encoding?
    private nonisolated(unsafe) var others: [Encoding] = []

    public init(
        feature: Feature, channel: ChannelName, position: Position, previous: Position?, committedAt: Timestamp,
        content: Content
    ) {
        self.feature = feature
        self.channel = channel
        self.position = position
        self.previous = previous
        self.committedAt = committedAt
        self.content = content
    }

    /// The message in `version`, made by `encode` on the first call for that version and kept.
    public func encoded(
        as version: SchemaVersion, by encode: (Publication, SchemaVersion) -> EncodedMessage
    ) -> EncodedMessage {
        Self.locks[Int(truncatingIfNeeded: position.seq & 63)].withLock { _ in
            if let first, first.version == version { return first.message }
            if let known = others.first(where: { $0.version == version }) { return known.message }
            let message = encode(self, version)
            if first == nil { first = (version, message) } else { others.append((version, message)) }
            return message
        }
    }

    /// About what a publication takes besides its rows, in bytes: objects, arrays, the frame around the row. Measured as the
    /// growth of a process that keeps 60,000 of them.
    public static let overhead = 760

    /// About how much memory the content takes, in bytes: what history is bounded by.
    public var cost: Int {
        switch content {
        case .change(_, let renditions):
            renditions.reduce(Self.overhead) { $0 + 2 * (($1.data?.count ?? 0) + ($1.key?.count ?? 0)) }
        case .message(let message): Self.overhead + 2 * message.data.count
        case .signal, .reset: Self.overhead
        }
    }
}
