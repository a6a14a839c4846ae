public import DoorbellCore

/// Who may subscribe to a channel, as far as that can be said without asking the legacy API. Pure.
public enum ChannelRights {
    public enum Decision: Hashable, Sendable {
        case allowed
        case refused(Refusal)
        /// The legacy API decides: ask for the polled URL with the caller's own credentials.
        case ask
    }

    public enum Refusal: String, Hashable, Sendable, CustomStringConvertible {
        /// There is no token: 401, and 4500 on a socket.
        case unauthenticated = "a token is needed"
        /// The token does not claim a value of the channel's name.
        case claim = "the token does not allow this channel"
        /// The channel is not one of the feature's templates, so nothing of its name can be compared.
        case unknownChannel = "the channel is not one of this feature"

        public var description: String { rawValue }
    }

    /// - A public feature is open to everybody.
    /// - A channel that the token's `channels` claim matches is allowed, whatever the feature's rule says: the issuer has said so.
    /// - `authorize: poll` asks the legacy API otherwise.
    /// - `authorize: { name: claim }` compares. Every value named has to be equal, byte for byte, to the claim; where the claim is
    ///   a list, to one of its elements.
    ///
    /// - Parameter identity: `nil`: nobody has been authenticated. Whether its time is over is the caller's business.
    public static func decide(_ feature: Feature, _ channel: ChannelName, _ identity: Identity?) -> Decision {
        if feature.authorize == .public { return .allowed }
        if let identity, identity.channels.contains(where: { $0.matches(channel) }) { return .allowed }
        switch feature.authorize {
        case .public: return .allowed
        case .poll: return .ask
        case .claims(let rules):
            guard let identity else { return .refused(.unauthenticated) }
            return compare(feature, rules, channel, identity)
        }
    }

    /// Every template that the channel could come from has to agree, because nobody can say which of them it was.
    private static func compare(
        _ feature: Feature, _ rules: [Feature.ClaimRule], _ channel: ChannelName, _ identity: Identity
    ) -> Decision {
        let matches = feature.templates.compactMap { $0.match(channel) }
        guard !matches.isEmpty else { return .refused(.unknownChannel) }
        // A feature without a rule would allow everything.
        guard !rules.isEmpty else { return .refused(.claim) }
        for rule in rules {
            let claimed = identity.claims.texts(rule.claim)
            for values in matches {
                guard let value = values[rule.name], claimed.contains(where: { $0.utf8.elementsEqual(value.utf8) })
                else { return .refused(.claim) }
            }
        }
        return .allowed
    }
}
