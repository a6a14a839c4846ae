import DoorbellAuth
import DoorbellCore
import DoorbellWire

/// Who the client is, as far as tokens say it, and what that allows.
extension Session {
    /// What is known about the client. A pointer in size.
    enum Standing: Sendable {
        /// Nobody is known by a token here.
        case unasked
        /// No token yet, and none is needed but by features that are authorised by claims. Leaves to `known`.
        case anonymous
        /// A token has to come in time. Leaves to `known`, or the session ends.
        indirect case awaited(until: Timestamp)
        /// Until the token expires, when the session ends, or another one comes.
        indirect case known(Identity)

        var identity: Identity? { if case .known(let identity) = self { identity } else { nil } }
    }

    var identity: Identity? { standing.identity }

    /// Whether nothing but what is public may be had before a token has come.
    var isAwaitingToken: Bool { if case .awaited = standing { true } else { false } }

    /// When ``expire(now:)`` has something to do; `nil`: never.
    var deadline: Timestamp? {
        switch standing {
        case .unasked, .anonymous: nil
        case .awaited(let until): until
        case .known(let identity): identity.expiresAt
        }
    }

    /// A token came as a message: the first one, or one in the place of another.
    mutating func offered(_ token: String, id: String?) -> [Action] {
        if case .unasked = standing {
            return [.send(.error(.notSupported, message: "this server takes no tokens", id: id, channel: nil))]
        }
        // Each may wait for keys.
        guard !isVerifying else {
            let text = "the token before this one is still being looked at"
            return [.send(.error(.limit, message: text, id: id, channel: nil))]
        }
        isVerifying = true
        return [.verify(token: token, id: id)]
    }

    /// What there is to say about the token of ``Action/verify(token:id:)``. One that is refused changes nothing.
    mutating func verified(_ token: String, _ result: Result<Identity, TokenError>, id: String?) -> [Action] {
        isVerifying = false
        guard !isClosed else { return [] }
        switch result {
        case .failure(let error):
            let code: ServerMessage.ErrorCode =
                error.code == .keysUnavailable ? .upstreamUnavailable : .notAllowed
            return [.send(.error(code, message: error.reason, id: id, channel: nil))]
        case .success(let new):
            if let identity, !identity.subject.utf8.elementsEqual(new.subject.utf8) {
                let text = "the token is of another user than the connection"
                return [.send(.error(.notAllowed, message: text, id: id, channel: nil))]
            }
            standing = .known(new)
            return [.adopt(token: token), .send(.refreshed(expires: new.expiresAt.milliseconds, id: id))]
                + endWhatClaimsNoLongerAllow()
        }
    }

    /// To be called when ``deadline`` has passed.
    mutating func expire(now: Timestamp) -> [Action] {
        guard let deadline, deadline <= now else { return [] }
        return close(identity == nil ? .unauthenticated : .authenticationExpired)
    }

    /// Who may subscribe to `channels` of `feature`, as far as the token can say it. One that the legacy API has to be asked about
    /// makes that necessary for all of them.
    func rights(to channels: [ChannelName], of feature: Feature) -> ChannelRights.Decision {
        if isAwaitingToken, feature.authorize != .public { return .refused(.unauthenticated) }
        var decision = ChannelRights.Decision.allowed
        for channel in channels {
            switch ChannelRights.decide(feature, channel, identity) {
            case .allowed: continue
            case .ask: decision = .ask
            case .refused(let refusal): return .refused(refusal)
            }
        }
        return decision
    }

    /// Subscriptions that the legacy API gave the right to are asked about on the timer, as ever.
    private mutating func endWhatClaimsNoLongerAllow() -> [Action] {
        let lost = subscriptions.channels { channel, subscription in
            subscription.target == nil && rights(to: [channel], of: subscription.feature) != .allowed
        }
        return lost.flatMap { channel -> [Action] in
            let ended = subscriptions.remove(channel)
            if let ended { forgetTransport(of: ended.feature) }
            let state = ended?.state
            let told = Action.send(
                .unsubscribed(channel: channel, reason: "the token no longer allows this channel", id: nil))
            return state == .live ? [.leave(channel), told] : [told]
        }
    }
}
