public import DoorbellCore

/// Channels that `doorbell.publish` takes messages for.
public struct PublishedChannels: Sendable, Hashable {
    public let template: ChannelTemplate
    /// The feature that owns them.
    public let feature: String

    public init(_ template: ChannelTemplate, feature: String) {
        self.template = template
        self.feature = feature
    }
}
