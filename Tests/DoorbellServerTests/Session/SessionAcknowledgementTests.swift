import DoorbellCore
import DoorbellWire
import Testing

@testable import DoorbellServer

@Suite struct SessionAcknowledgementTests {
    let here = Position(epoch: 1, tick: 10, seq: 100)
    let later = Position(epoch: 1, tick: 12, seq: 120)
    let inbox: ChannelName
    let open: ChannelName
    let key: CursorKey
    let features: [Feature]

    init() throws {
        inbox = try unwrap(ChannelName("user:7:inbox"))
        open = try unwrap(ChannelName("open"))
        key = CursorKey(identity: "i", client: "phone", channel: inbox)
        features = [
            Feature(
                name: "inbox", poll: try PollPattern("GET /api/users/{id}/inbox"), tables: [],
                channel: try ChannelTemplate("user:{id}:inbox"), delivery: .atLeastOnce),
            Feature(
                name: "open", poll: try PollPattern("GET /api/open"), tables: [], channel: try ChannelTemplate("open"),
                authorize: .public, delivery: .atLeastOnce),
            try TestFeatures.news(),
        ]
    }

    private func session() -> Session {
        Session(
            id: "s", rules: SessionRules(catalog: FeatureCatalog(features), limits: SessionLimits()), jitter: 0.5,
            now: 0)
    }

    private func subscribe(
        _ channel: String = "user:7:inbox", since: ClientMessage.Since? = nil, client: String? = "phone"
    ) -> ClientMessage {
        .subscribe(.init(target: .channel(channel), since: since, client: client, id: "1"))
    }

    /// Up to the question for the cursor.
    private func asked(since: ClientMessage.Since? = nil, client: String? = "phone") -> (Session, [Session.Action]) {
        var session = session()
        _ = session.received(subscribe(since: since, client: client), position: here, now: 0)
        let actions = session.answered(token: 0, .allowed(nil), now: 0)
        return (session, actions)
    }

    @Test("a connection is one client: another name is refused")
    func oneName() {
        var session = live()
        let actions = session.received(
            .subscribe(.init(target: .channel("open"), client: "tablet", id: "2")), position: here, now: 0)
        guard case .send(.error(let code, _, let id, _))? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(code == .badRequest && id == "2" && actions.count == 1)
        let same = session.received(
            .subscribe(.init(target: .channel("open"), client: "phone", id: "3")), position: here, now: 0)
        guard case .openCursor? = same.first else {
            Issue.record("\(same)")
            return
        }
    }

    private func live(cursor: Position? = nil) -> Session {
        var (session, _) = asked()
        _ = session.opened(
            .success(OpenedCursor(position: cursor ?? here, isNew: cursor == nil)), of: key, token: 1)
        return session
    }

    private func join(_ actions: [Session.Action]) -> Session.Join? {
        guard actions.count == 1, case .join(let join) = actions[0] else { return nil }
        return join
    }

    private func code(_ actions: [Session.Action]) -> ServerMessage.ErrorCode? {
        guard actions.count == 1, case .send(.error(let code, _, _, _)) = actions[0] else { return nil }
        return code
    }

    private func ack(_ session: inout Session, _ position: Position, on channel: String = "user:7:inbox") -> [Session
        .Action]
    {
        session.received(.ack(channel: channel, position: position, id: nil), position: later, now: 0)
    }

    @Test(
        "the cursor is asked for once the legacy API has let the client in, from where the log stood before it was asked"
    )
    func asksForCursor() {
        var session = session()
        #expect(
            session.received(subscribe(), position: here, now: 0)
                == [.ask(token: 0, target: "/api/users/7/inbox")])
        #expect(
            session.answered(token: 0, .allowed(nil), now: 9)
                == [.openCursor(token: 1, client: "phone", channel: inbox, at: here)])
        #expect(!session.isSettled)
    }

    @Test("a client that is refused has no cursor")
    func refused() {
        var session = session()
        _ = session.received(subscribe(), position: here, now: 0)
        #expect(code(session.answered(token: 0, .refused(status: 403), now: 0)) == .notAllowed)
    }

    @Test("a client that comes for the first time begins where its cursor does, and is told that nothing was recovered")
    func first() throws {
        var (session, _) = asked()
        let joined = try #require(
            join(session.opened(.success(OpenedCursor(position: here, isNew: true)), of: key, token: 1)))
        #expect(joined.since == here && joined.start == .latest && !joined.isRedelivery)
        guard case .subscribed(let told)? = Session.subscribed(joined, position: here, recovered: true).first else {
            Issue.record("nothing told")
            return
        }
        #expect(!told.recovered && told.id == "1")
    }

    @Test("a client that comes back goes on from its cursor, and keeps it where the history is gone")
    func redelivery() throws {
        let old = Position(epoch: 1, tick: 3, seq: 30)
        var (session, _) = asked()
        let joined = try #require(
            join(session.opened(.success(OpenedCursor(position: old, isNew: false)), of: key, token: 1)))
        #expect(joined.since == old && joined.start == .position && joined.isRedelivery)
        for recovered in [true, false] {
            guard
                case .subscribed(let told)? = Session.subscribed(joined, position: old, recovered: recovered).first
            else {
                Issue.record("nothing told")
                return
            }
            #expect(told.recovered == recovered)
        }
    }

    @Test("a position of the client's own wins over the cursor, which begins there if there is none")
    func ownPosition() throws {
        let own = Position(epoch: 1, tick: 5, seq: 50)
        var (session, actions) = asked(since: .position(own))
        #expect(actions == [.openCursor(token: 1, client: "phone", channel: inbox, at: own)])
        let old = Position(epoch: 1, tick: 3, seq: 30)
        let joined = try #require(
            join(session.opened(.success(OpenedCursor(position: old, isNew: false)), of: key, token: 1)))
        #expect(joined.since == own && joined.start == .position && !joined.isRedelivery)
    }

    @Test(
        "no cursor begins at a position that is not of this log",
        arguments: [
            Position(epoch: 2, tick: 1, seq: 1), Position(epoch: 0, tick: .max, seq: .max),
            Position(epoch: 1, tick: .max, seq: .max),
        ])
    func foreignStart(_ position: Position) {
        #expect(
            asked(since: .position(position)).1 == [.openCursor(token: 1, client: "phone", channel: inbox, at: here)])
    }

    @Test("when the cursor is not to be had the client is refused, never begun somewhere else")
    func unavailable() {
        var (session, _) = asked()
        #expect(code(session.opened(.failure(.unavailable), of: key, token: 1)) == .unavailable)
        #expect(session.subscriptions.isEmpty && session.isSettled)
        // It may try again.
        #expect(session.received(subscribe(), position: here, now: 1).count == 1)
    }

    @Test("what is unsubscribed before its cursor is known does not begin")
    func unsubscribed() {
        var (session, _) = asked()
        _ = session.received(.unsubscribe(channel: inbox.rawValue, id: nil), position: here, now: 0)
        #expect(session.opened(.success(OpenedCursor(position: here, isNew: true)), of: key, token: 1) == [])
        #expect(session.subscriptions.isEmpty && session.isSettled)
        var (closed, _) = asked()
        _ = closed.peerClosed()
        #expect(closed.opened(.success(OpenedCursor(position: here, isNew: true)), of: key, token: 1) == [])
    }

    @Test("a feature without a legacy API to ask opens the cursor at once")
    func publicFeature() throws {
        var session = session()
        #expect(
            session.received(subscribe("open"), position: here, now: 0)
                == [.openCursor(token: 0, client: "phone", channel: open, at: here)])
        let key = CursorKey(identity: "i", client: "phone", channel: open)
        let joined = join(session.opened(.success(OpenedCursor(position: here, isNew: true)), of: key, token: 0))
        #expect(joined?.since == here, "nothing falls between the cursor's beginning and the stream's")
    }

    @Test("acknowledgements move the cursor forwards only")
    func forwards() {
        var session = live()
        let next = Position(epoch: 1, tick: 11, seq: 110)
        #expect(ack(&session, here) == [], "the cursor stands there already")
        #expect(ack(&session, next) == [.acknowledge(key, next)])
        #expect(ack(&session, next) == [])
        #expect(ack(&session, Position(epoch: 1, tick: 10, seq: 105)) == [])
        #expect(ack(&session, later) == [.acknowledge(key, later)])
    }

    @Test(
        "an acknowledgement from the future or from another log is refused",
        arguments: [
            Position(epoch: 1, tick: 12, seq: 121), Position(epoch: 1, tick: 13, seq: 1),
            Position(epoch: 2, tick: 1, seq: 1), Position(epoch: 0, tick: 11, seq: 110),
        ])
    func foreign(_ position: Position) {
        var session = live()
        #expect(code(ack(&session, position)) == .badRequest)
        #expect(ack(&session, later) == [.acknowledge(key, later)])
    }

    @Test(
        "without a name nothing can be remembered, and that is said; other features take acknowledgements and keep none"
    )
    func withoutName() {
        var (session, actions) = asked(client: nil)
        #expect(join(actions)?.start == .latest)
        #expect(code(ack(&session, later)) == .badRequest)
        #expect(code(ack(&session, later, on: "news")) == .notSubscribed)
        _ = session.received(subscribe("news"), position: here, now: 0)
        #expect(ack(&session, later, on: "news") == [])
    }
}
