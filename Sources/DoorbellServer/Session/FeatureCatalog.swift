public import DoorbellCore

/// Which feature a channel or a polled URL belongs to. Made once from the configuration.
public struct FeatureCatalog: Sendable {
    public let features: [Feature]

    public init(_ features: [Feature]) { self.features = features }

    /// The feature whose templates name `channel`.
    public func feature(owning channel: ChannelName) -> Feature? { features.first { $0.owns(channel) } }

    /// A polled URL, recognised.
    public struct Poll: Sendable {
        public let feature: Feature
        /// The channels that stand for the URL; empty when it cannot be mapped.
        public let channels: [ChannelName]
    }

    /// The feature whose poll `target` (path and query, as on the request line) is.
    public func poll(matching target: String) -> Poll? {
        for feature in features {
            if let values = feature.poll.match(target) {
                return Poll(feature: feature, channels: feature.channels(for: values))
            }
        }
        return nil
    }
}
