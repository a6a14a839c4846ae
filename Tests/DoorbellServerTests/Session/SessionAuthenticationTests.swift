import DoorbellCore
import DoorbellWire
import Testing

@testable import DoorbellAuth
@testable import DoorbellServer

/// What tokens do to a session.
@Suite struct SessionAuthenticationTests {
    let features: [Feature]
    let here = Position(epoch: 1, tick: 10, seq: 100)

    init() throws {
        features = [
            try TestFeatures.notifications(), try TestFeatures.rooms(), try TestFeatures.news(),
            try TestFeatures.orders(),
        ]
    }

    func session(_ standing: Session.Standing) -> Session {
        Session(
            id: "s", rules: SessionRules(catalog: FeatureCatalog(features), limits: SessionLimits()),
            standing: standing, jitter: 0.5, now: 0
        )
    }

    func at(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) }

    func identity(
        _ subject: String = "ann", org: String = "7", channels: [String] = [], expires: Int64 = 100
    ) -> Identity {
        Identity(
            subject: subject, expiresAt: at(expires), claims: Claims(json: Array(#"{"org":"\#(org)"}"#.utf8)),
            channels: channels.compactMap { ChannelPattern($0) })
    }

    func subscribe(_ session: inout Session, channel: String) -> [Session.Action] {
        session.received(.subscribe(.init(target: .channel(channel))), position: here, now: 0)
    }

    func subscribe(_ session: inout Session, poll: String) -> [Session.Action] {
        session.received(.subscribe(.init(target: .poll(poll))), position: here, now: 0)
    }

    func code(_ actions: [Session.Action]) -> ServerMessage.ErrorCode? {
        guard actions.count == 1, case .send(.error(let code, _, _, _)) = actions[0] else { return nil }
        return code
    }

    func joined(_ actions: [Session.Action]) -> String? {
        guard actions.count == 1, case .join(let join) = actions[0] else { return nil }
        return join.channel.rawValue
    }

    // MARK: Rights

    @Test("a token that claims the channel joins it at once, and nobody else is asked")
    func claims() {
        var session = session(.known(identity()))
        #expect(joined(subscribe(&session, channel: "org:7:orders")) == "org:7:orders")
        #expect(code(subscribe(&session, channel: "org:8:orders")) == .notAllowed)
    }

    @Test("a subscription by URL that the token allows asks for the snapshot, and once only")
    func snapshot() {
        var session = session(.known(identity()))
        #expect(subscribe(&session, poll: "/api/orgs/7/orders") == [.ask(token: 0, target: "/api/orgs/7/orders")])
        #expect(joined(session.answered(token: 0, .allowed(nil), now: 0)) == "org:7:orders")
        // The first is the ping; a right by the legacy API would be asked for here.
        session.heard(now: 3600)
        #expect(session.timer(now: 3600) == [.ping])
    }

    @Test("a URL that the token allows and the legacy API refuses is refused")
    func refusedSnapshot() {
        var session = session(.known(identity()))
        _ = subscribe(&session, poll: "/api/orgs/7/orders")
        #expect(code(session.answered(token: 0, .refused(status: 403), now: 0)) == .notAllowed)
        #expect(session.subscriptions.isEmpty)
    }

    @Test("without a token, claims refuse, the legacy API is asked as ever and public features are open")
    func anonymous() {
        for standing in [Session.Standing.unasked, .anonymous] {
            var session = session(standing)
            #expect(code(subscribe(&session, channel: "org:7:orders")) == .notAllowed)
            #expect(code(subscribe(&session, poll: "/api/orgs/7/orders")) == .notAllowed)
            #expect(
                subscribe(&session, channel: "user:42:notifications")
                    == [.ask(token: 0, target: "/api/users/42/notifications")])
            #expect(joined(subscribe(&session, channel: "news")) == "news")
        }
    }

    @Test("channels that the token lists need no question, also where the channel does not name its URL")
    func listed() {
        var session = session(.known(identity(channels: ["room:5", "user:*:notifications"])))
        #expect(joined(subscribe(&session, channel: "room:5")) == "room:5")
        #expect(joined(subscribe(&session, channel: "user:42:notifications")) == "user:42:notifications")
        #expect(code(subscribe(&session, channel: "room:6")) == .notAllowed)
    }

    @Test("where a token has to come, only public features are open before it")
    func awaited() {
        var session = session(.awaited(until: at(10)))
        #expect(code(subscribe(&session, channel: "user:42:notifications")) == .notAllowed)
        #expect(joined(subscribe(&session, channel: "news")) == "news")
        let call = ClientMessage.request(.init(id: "1", method: "GET", path: "/"))
        #expect(code(session.received(call, position: here, now: 0)) == .notAllowed)
        #expect(session.received(.auth(token: "t", id: "1"), position: here, now: 0) == [.verify(token: "t", id: "1")])
        _ = session.verified("t", .success(identity()), id: "1")
        #expect(
            subscribe(&session, channel: "user:42:notifications")
                == [.ask(token: 0, target: "/api/users/42/notifications")])
    }

    // MARK: Tokens as messages

    @Test("a good token is answered with when it ends, and adopted")
    func refreshed() {
        var session = session(.known(identity(expires: 100)))
        #expect(
            session.received(.refresh(token: "u", id: "2"), position: here, now: 0) == [.verify(token: "u", id: "2")])
        #expect(
            session.verified("u", .success(identity(expires: 500)), id: "2")
                == [.adopt(token: "u"), .send(.refreshed(expires: 500_000, id: "2"))])
        #expect(session.deadline == at(500))
        #expect(session.expire(now: at(100)).isEmpty)
    }

    @Test("a token of another user is refused, and the old one stays")
    func otherUser() {
        var session = session(.known(identity("ann", expires: 100)))
        _ = session.received(.refresh(token: "u", id: nil), position: here, now: 0)
        #expect(code(session.verified("u", .success(identity("bob", expires: 500)), id: nil)) == .notAllowed)
        #expect(session.identity?.subject == "ann" && session.deadline == at(100))
    }

    @Test("a refused token changes nothing; keys that are away are told as trouble of ours")
    func refusedToken() {
        var session = session(.known(identity()))
        _ = session.received(.refresh(token: "u", id: nil), position: here, now: 0)
        #expect(code(session.verified("u", .failure(TokenError(.expired, "old")), id: nil)) == .notAllowed)
        _ = session.received(.refresh(token: "u", id: nil), position: here, now: 0)
        let away = session.verified("u", .failure(TokenError(.keysUnavailable, "away")), id: nil)
        #expect(code(away) == .upstreamUnavailable)
        #expect(session.deadline == at(100))
    }

    @Test("one token at a time is looked at, and none where none is taken")
    func bounds() {
        var session = session(.anonymous)
        _ = session.received(.auth(token: "t", id: nil), position: here, now: 0)
        #expect(code(session.received(.auth(token: "u", id: nil), position: here, now: 0)) == .limit)
        var unasked = self.session(.unasked)
        #expect(code(unasked.received(.auth(token: "t", id: nil), position: here, now: 0)) == .notSupported)
    }

    @Test("what the new token no longer allows ends; what the legacy API or everybody allows stays")
    func lostRights() throws {
        var session = session(.known(identity(channels: ["room:5"])))
        for channel in ["org:7:orders", "room:5", "news"] {
            #expect(joined(subscribe(&session, channel: channel)) != nil)
        }
        _ = subscribe(&session, channel: "user:42:notifications")
        _ = session.answered(token: 0, .allowed(nil), now: 0)
        let actions = session.verified("u", .success(identity(org: "8")), id: nil)
        let left = actions.compactMap { if case .leave(let channel) = $0 { channel.rawValue } else { nil } }
        #expect(left == ["org:7:orders", "room:5"])
        #expect(actions.count == 2 + 4)
        #expect(Set(session.subscriptions.channels.map(\.rawValue)) == ["news", "user:42:notifications"])
    }

    @Test("a right that is lost while the snapshot is asked for ends the subscription before it began")
    func lostWhileAsking() throws {
        var session = session(.known(identity()))
        _ = subscribe(&session, poll: "/api/orgs/7/orders")
        let actions = session.verified("u", .success(identity(org: "8")), id: nil)
        let channel = try unwrap(ChannelName("org:7:orders"))
        #expect(
            actions.last
                == .send(
                    .unsubscribed(channel: channel, reason: "the token no longer allows this channel", id: nil)))
        #expect(actions.count == 3)
        #expect(session.answered(token: 0, .allowed(nil), now: 0).isEmpty)
    }

    // MARK: Ends

    @Test("a token's end closes with 4500, and nothing follows")
    func expires() {
        var session = session(.known(identity(expires: 100)))
        _ = subscribe(&session, channel: "news")
        #expect(session.expire(now: at(99)).isEmpty)
        let actions = session.expire(now: at(100))
        #expect(actions.last == .close(.authenticationExpired) && actions.count == 2)
        #expect(session.expire(now: at(101)).isEmpty)
        #expect(session.verified("u", .success(identity(expires: 500)), id: nil).isEmpty)
    }

    @Test("a token that does not come in time closes with 4500")
    func neverCame() {
        var session = session(.awaited(until: at(10)))
        #expect(session.expire(now: at(9)).isEmpty)
        #expect(session.expire(now: at(10)) == [.close(.unauthenticated)])
    }

    @Test("what is known about a client takes a pointer")
    func size() { #expect(MemoryLayout<Session.Standing>.size == MemoryLayout<Int>.size) }
}
