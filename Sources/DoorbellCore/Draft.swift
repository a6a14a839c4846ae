/// What translation makes of a change: a publication that has no place in its channel yet.
public struct Draft: Sendable {
    public enum Audience: Sendable {
        case channel(ChannelName)
        /// Every channel of the feature that matches one of these templates: the change names no single channel.
        case matching([ChannelTemplate])
    }

    public let feature: Feature
    public let audience: Audience
    public let content: Publication.Content
    public let position: Position
    public let committedAt: Timestamp

    public init(
        feature: Feature, audience: Audience, content: Publication.Content, position: Position, committedAt: Timestamp
    ) {
        self.feature = feature
        self.audience = audience
        self.content = content
        self.position = position
        self.committedAt = committedAt
    }
}
