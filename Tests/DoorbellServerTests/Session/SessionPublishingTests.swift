import DoorbellCore
import DoorbellWire
import Testing

@testable import DoorbellAuth
@testable import DoorbellServer

@Suite struct SessionPublishingTests {
    let here = Position(epoch: 1, tick: 10, seq: 100)
    let data = Array(#"{"text":"hi"}"#.utf8)
    let room: ChannelName
    let features: [Feature]

    init() throws {
        room = try unwrap(ChannelName("room:1"))
        features = [
            Feature(
                name: "rooms", poll: try PollPattern("GET /api/rooms/{room}"), tables: [],
                channel: try ChannelTemplate("room:{room}"), publish: .subscribers),
            try TestFeatures.notifications(),
        ]
    }

    private func session(_ limits: SessionLimits = SessionLimits()) -> Session {
        Session(id: "s", rules: SessionRules(catalog: FeatureCatalog(features), limits: limits), jitter: 0.5, now: 0)
    }

    private func subscribed(_ channel: String = "room:1", _ limits: SessionLimits = SessionLimits()) -> Session {
        var session = session(limits)
        _ = session.received(.subscribe(.init(target: .channel(channel))), position: here, now: 0)
        _ = session.answered(token: 0, .allowed(nil), now: 0)
        return session
    }

    private func outgoing(_ id: String? = nil) -> Session.Outgoing {
        Session.Outgoing(channel: room, message: DirectMessage(data: data, session: "s", id: id))
    }

    private func code(_ actions: [Session.Action]) -> ServerMessage.ErrorCode? {
        guard actions.count == 1, case .send(.error(let code, _, _, _)) = actions[0] else { return nil }
        return code
    }

    @Test("what a client with a token publishes says whose it is")
    func signed() {
        let ann = Identity(
            subject: "ann", expiresAt: Timestamp(microseconds: 1), claims: Claims(json: Array("{}".utf8)))
        var session = Session(
            id: "s", rules: SessionRules(catalog: FeatureCatalog(features), limits: SessionLimits()),
            standing: .known(ann), jitter: 0.5, now: 0)
        _ = session.received(.subscribe(.init(target: .channel("room:1"))), position: here, now: 0)
        _ = session.answered(token: 0, .allowed(nil), now: 0)
        let message = DirectMessage(data: data, from: "ann", session: "s", id: nil)
        #expect(
            session.received(.publish(channel: "room:1", data: data, id: nil), position: here, now: 0)
                == [.publish(Session.Outgoing(channel: room, message: message))])
    }

    @Test(
        "half of a surrogate pair is not passed on: strict readers would refuse the message",
        arguments: [
            #""\ud800""#, #""\uDFFF""#, #"{"a":["\ud83d\ude00","\ud83d"]}"#, #""\ud83d\u0041""#, #"{"\udead":1}"#,
        ])
    func surrogates(_ text: String) {
        var session = subscribed()
        let actions = session.received(
            .publish(channel: "room:1", data: Array(text.utf8), id: nil), position: here, now: 0)
        #expect(code(actions) == .badRequest)
        for whole in [#""\ud83d\ude00""#, #""\\ud800""#, #""\u0041\n\"""#, "\"😀\"", "1e999"] {
            let actions = session.received(
                .publish(channel: "room:1", data: Array(whole.utf8), id: nil), position: here, now: 0)
            #expect(code(actions) == nil, "\(whole)")
        }
    }

    @Test("a subscriber that has drifted is counted for its feature; others are told that they are not subscribed")
    func drift() {
        var session = subscribed()
        func drift(_ channel: String) -> ClientMessage {
            .drift(channel: channel, position: here, digest: "9f86", id: "3")
        }
        #expect(
            session.received(drift("room:1"), position: here, now: 0)
                == [.drifted(Session.Drift(feature: features[0], channel: room, position: here, digest: "9f86"))])
        for channel in ["room:2", "notifications", ""] {
            #expect(code(session.received(drift(channel), position: here, now: 0)) == .notSubscribed)
        }
    }

    @Test("a subscriber publishes, and is told when it is in the log")
    func publishes() {
        var session = subscribed()
        let publish = ClientMessage.publish(channel: "room:1", data: data, id: "8")
        #expect(session.received(publish, position: here, now: 0) == [.publish(outgoing("8"))])
        #expect(session.published(outgoing("8"), nil) == [.send(.published(channel: room, id: "8"))])
    }

    @Test("whoever is not subscribed, or not yet, may not publish")
    func needsSubscription() {
        var session = session()
        let publish = ClientMessage.publish(channel: "room:1", data: data, id: nil)
        #expect(code(session.received(publish, position: here, now: 0)) == .notSubscribed)
        _ = session.received(.subscribe(.init(target: .channel("room:1"))), position: here, now: 0)
        #expect(code(session.received(publish, position: here, now: 0)) == .notSubscribed)
        _ = session.answered(token: 0, .refused(status: 403), now: 0)
        #expect(code(session.received(publish, position: here, now: 0)) == .notSubscribed)
    }

    @Test("where the feature does not let clients publish, nobody may; an unknown channel is unknown")
    func notAllowed() {
        var session = subscribed("user:42:notifications")
        let publish = ClientMessage.publish(channel: "user:42:notifications", data: data, id: nil)
        #expect(code(session.received(publish, position: here, now: 0)) == .notAllowed)
        for channel in ["room:1:2", "", "no such", "room:"] {
            let publish = ClientMessage.publish(channel: channel, data: data, id: nil)
            #expect(code(session.received(publish, position: here, now: 0)) == .unknownChannel)
        }
    }

    @Test("data that is too long, and too many messages at a time, are refused; room comes back")
    func limits() {
        var session = subscribed("room:1", SessionLimits(publishSize: 13, pendingPublishes: 2))
        let publish = ClientMessage.publish(channel: "room:1", data: data, id: nil)
        let longer = ClientMessage.publish(channel: "room:1", data: data + [0x20], id: nil)
        #expect(code(session.received(longer, position: here, now: 0)) == .limit)
        for _ in 0..<2 { #expect(session.received(publish, position: here, now: 0) == [.publish(outgoing())]) }
        #expect(code(session.received(publish, position: here, now: 0)) == .limit)
        _ = session.published(outgoing(), .unavailable)
        #expect(session.received(publish, position: here, now: 0) == [.publish(outgoing())])
    }

    @Test("publishing counts for the rate like every message")
    func rate() {
        var session = subscribed("room:1", SessionLimits(messagesPerSecond: 1, messageBurst: 2))
        let publish = ClientMessage.publish(channel: "room:1", data: data, id: nil)
        _ = session.received(publish, position: here, now: 0)
        #expect(session.received(publish, position: here, now: 0).last == .close(.limit))
    }

    @Test(
        "why it is not in the log is said with a code",
        arguments: [
            (.notSupported, .notSupported), (.overloaded, .limit), (.unavailable, .unavailable),
            (.refused("no"), .badRequest), (.uncertain, .unavailable),
        ] as [(WriteFailure, ServerMessage.ErrorCode)])
    func failures(_ failure: WriteFailure, _ expected: ServerMessage.ErrorCode) {
        var session = subscribed()
        _ = session.received(.publish(channel: "room:1", data: data, id: "8"), position: here, now: 0)
        let actions = session.published(outgoing("8"), failure)
        guard case .send(.error(let code, _, let id, let channel))? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(code == expected && id == "8" && channel == "room:1")
    }

    @Test("without an open log nothing is published, and a closed session is told nothing")
    func closed() {
        var session = subscribed()
        let publish = ClientMessage.publish(channel: "room:1", data: data, id: nil)
        #expect(code(session.received(publish, position: nil, now: 0)) == .notLive)
        _ = session.received(publish, position: here, now: 0)
        _ = session.peerClosed()
        #expect(session.published(outgoing(), nil) == [])
    }
}
