public import DoorbellCore

/// Which feature a channel or a polled URL belongs to. Made once from the configuration.
public struct FeatureCatalog: Sendable {
    public let features: [Feature]

    private let spellings: [String: [String: Spelling]]

    /// - Parameter spellings: By feature and by the names in its templates, how rows write what stands there. A URL or a channel that is
    ///   written otherwise may mean the same to the legacy API, but no change will ever be told under its name: there is no such channel.
    public init(_ features: [Feature], spellings: [String: [String: Spelling]] = [:]) {
        self.features = features
        self.spellings = spellings
    }

    /// The feature whose templates name `channel`.
    public func feature(owning channel: ChannelName) -> Feature? {
        features.first { feature in
            feature.templates.contains { $0.match(channel).map { isSpelled($0, in: feature) } ?? false }
        }
    }

    private func isSpelled(_ values: [String: String], in feature: Feature) -> Bool {
        guard let spellings = spellings[feature.name] else { return true }
        return values.allSatisfy { name, value in spellings[name]?.isKept(by: value) ?? true }
    }

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
                return Poll(
                    feature: feature, channels: isSpelled(values, in: feature) ? feature.channels(for: values) : [])
            }
        }
        return nil
    }
}
