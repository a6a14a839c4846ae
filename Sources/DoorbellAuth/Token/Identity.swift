public import DoorbellCore

/// Who a connection belongs to, as a verified token says.
///
/// Its description holds neither the token nor its claims.
public struct Identity: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The user: `sub`, or the claim that ``TokenConfiguration/subjectClaim`` names. Never empty.
    public let subject: String
    /// From when on the token is refused: `exp` plus the clock skew. A connection is closed with 4500 then, unless it has been
    /// refreshed.
    public let expiresAt: Timestamp
    public let claims: Claims
    /// Channels that the token allows by themselves; empty without ``TokenConfiguration/channelsClaim``.
    public let channels: [ChannelPattern]
    /// What others on a channel may see of the user: the JSON of ``TokenConfiguration/presenceClaim``, at most
    /// ``maximumPresence`` bytes.
    public let presence: [UInt8]?

    /// Bytes.
    public static let maximumPresence = 1024

    init(
        subject: String, expiresAt: Timestamp, claims: Claims, channels: [ChannelPattern] = [],
        presence: [UInt8]? = nil
    ) {
        self.subject = subject
        self.expiresAt = expiresAt
        self.claims = claims
        self.channels = channels
        self.presence = presence
    }

    public var description: String { "identity '\(subject)'" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        Mirror(self, children: ["subject": subject, "expiresAt": expiresAt] as KeyValuePairs<String, Any>)
    }
}
