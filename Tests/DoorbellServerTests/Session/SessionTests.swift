import DoorbellCore
import DoorbellWire
import Testing

@testable import DoorbellServer

@Suite struct SessionTests {
    let features: [Feature]
    let here = Position(epoch: 1, tick: 10, seq: 100)
    let mine: ChannelName

    init() throws {
        features = [try TestFeatures.notifications(), try TestFeatures.rooms(), try TestFeatures.news()]
        mine = try unwrap(ChannelName("user:42:notifications"))
    }

    func session(_ limits: SessionLimits = SessionLimits()) -> Session {
        Session(id: "s", rules: SessionRules(catalog: FeatureCatalog(features), limits: limits), jitter: 0.5, now: 0)
    }

    func subscribe(
        _ channel: String, since: ClientMessage.Since? = nil, versions: [SchemaVersion] = [], id: String? = nil
    ) -> ClientMessage {
        .subscribe(.init(target: .channel(channel), since: since, versions: versions, id: id))
    }

    func poll(_ target: String, since: ClientMessage.Since? = nil, id: String? = nil) -> ClientMessage {
        .subscribe(.init(target: .poll(target), since: since, id: id))
    }

    /// The code of an error reply.
    func code(_ actions: [Session.Action]) -> ServerMessage.ErrorCode? {
        guard actions.count == 1, case .send(.error(let code, _, _, _)) = actions[0] else { return nil }
        return code
    }

    func join(_ actions: [Session.Action]) -> Session.Join? {
        guard actions.count == 1, case .join(let join) = actions[0] else { return nil }
        return join
    }

    /// A session with one live subscription to ``mine``, made at second 0.
    func subscribed(_ limits: SessionLimits = SessionLimits()) -> Session {
        var session = session(limits)
        _ = session.received(subscribe(mine.rawValue), position: here, now: 0)
        _ = session.answered(token: 0, .allowed(nil), now: 0)
        return session
    }

    let snapshot = ServerMessage.Snapshot(status: 200, etag: nil, body: Array("[]".utf8))

    @Test("a session begins with welcome and the heartbeat in seconds")
    func welcome() {
        #expect(session().opened() == [.send(.welcome(session: "s", heartbeat: 25, resumed: false))])
    }

    @Test("a channel is joined only after the legacy API has let the client poll its URL")
    func asksFirst() {
        var session = session()
        #expect(
            session.received(subscribe(mine.rawValue, id: "1"), position: here, now: 0)
                == [.ask(token: 0, target: "/api/users/42/notifications")])
        let joined = join(session.answered(token: 0, .allowed(snapshot), now: 1))
        #expect(joined?.channel == mine)
        #expect(joined?.id == "1")
        #expect(joined?.snapshot == nil, "a subscription by channel has no snapshot")
    }

    @Test("without a position of its own, a client's stream begins where the log stood before the question")
    func positionBeforeAsking() {
        var session = session()
        _ = session.received(subscribe(mine.rawValue), position: here, now: 0)
        let joined = join(session.answered(token: 0, .allowed(nil), now: 5))
        #expect(joined?.since == here)
        #expect(joined?.start == .latest)
    }

    @Test("a client's own position wins over the one before the question")
    func ownPosition() {
        var session = session()
        let earlier = Position(epoch: 1, tick: 3, seq: 7)
        _ = session.received(subscribe(mine.rawValue, since: .position(earlier)), position: here, now: 0)
        let joined = join(session.answered(token: 0, .allowed(nil), now: 5))
        #expect(joined?.since == earlier)
        #expect(joined?.start == .position)
    }

    @Test("a subscription by poll gets the legacy API's answer as its snapshot")
    func snapshotByPoll() {
        var session = session()
        #expect(
            session.received(poll("/api/users/42/notifications?page=1"), position: here, now: 0)
                == [.ask(token: 0, target: "/api/users/42/notifications?page=1")])
        #expect(join(session.answered(token: 0, .allowed(snapshot), now: 0))?.snapshot == snapshot)
    }

    @Test("a client that was recovered gets no snapshot, one whose position is gone does")
    func snapshotAfterRecovery() throws {
        var session = session()
        _ = session.received(
            poll("/api/users/42/notifications", since: .position(here)), position: here, now: 0)
        let joined = try unwrap(join(session.answered(token: 0, .allowed(snapshot), now: 0)))
        let recovered = Session.subscribed(joined, position: here, recovered: true)
        #expect(
            recovered
                == [.subscribed(.init(channel: mine, position: here, recovered: true, version: .first))])
        let gone = Session.subscribed(joined, position: here, recovered: false)
        #expect(
            gone
                == [
                    .subscribed(
                        .init(
                            channel: mine, position: here, recovered: false, version: .first, snapshot: snapshot))
                ])
    }

    @Test("a snapshot that history does not reach back to is followed by a reset")
    func snapshotWithHole() throws {
        var session = session()
        _ = session.received(poll("/api/users/42/notifications"), position: here, now: 0)
        let joined = try unwrap(join(session.answered(token: 0, .allowed(snapshot), now: 0)))
        let later = Position(epoch: 1, tick: 20, seq: 200)
        let messages = Session.subscribed(joined, position: later, recovered: false)
        #expect(messages.count == 2)
        guard case .reset(mine, _, later)? = messages.last else {
            Issue.record("no reset: \(messages)")
            return
        }
        #expect(Session.subscribed(joined, position: here, recovered: true).count == 1)
    }

    @Test("a refusal of the legacy API is not_allowed, and the channel is free again", arguments: [401, 403, 404])
    func refused(status: Int) {
        var session = session()
        _ = session.received(subscribe(mine.rawValue, id: "7"), position: here, now: 0)
        #expect(code(session.answered(token: 0, .refused(status: status), now: 1)) == .notAllowed)
        #expect(session.subscriptions.isEmpty)
        #expect(session.received(subscribe(mine.rawValue), position: here, now: 2).count == 1)
    }

    @Test("an unreachable legacy API is upstream_unavailable")
    func unavailable() {
        var session = session()
        _ = session.received(subscribe(mine.rawValue), position: here, now: 0)
        #expect(code(session.answered(token: 0, .unavailable("down"), now: 1)) == .upstreamUnavailable)
    }

    @Test("statuses are understood as rights, refusals and failures")
    func verdicts() {
        #expect(PollVerdict.status(200, snapshot: nil) == .allowed(nil))
        #expect(PollVerdict.status(304, snapshot: nil) == .allowed(nil))
        #expect(PollVerdict.status(404, snapshot: nil) == .refused(status: 404))
        #expect(PollVerdict.status(302, snapshot: nil) == .refused(status: 302))
        for status in [429, 500, 503] {
            guard case .unavailable = PollVerdict.status(status, snapshot: nil) else {
                Issue.record("\(status)")
                continue
            }
        }
    }

    @Test("a public channel is joined at once, from now on")
    func publicChannel() {
        var session = session()
        let joined = join(session.received(subscribe("news"), position: here, now: 0))
        #expect(joined?.channel.rawValue == "news")
        #expect(joined?.since == nil)
    }

    @Test("a public feature subscribed by poll is joined whatever the legacy API says")
    func publicPoll() {
        var session = session()
        #expect(session.received(poll("/api/news"), position: here, now: 0) == [.ask(token: 0, target: "/api/news")])
        #expect(join(session.answered(token: 0, .refused(status: 403), now: 0)) != nil)
    }

    @Test("a channel that does not name its URL must be subscribed by poll")
    func channelWithoutTarget() {
        var session = session()
        #expect(code(session.received(subscribe("room:1"), position: here, now: 0)) == .notAllowed)
        #expect(session.received(poll("/api/rooms/1/messages?as=2"), position: here, now: 0).count == 1)
    }

    @Test("unknown channels, URLs and versions are told apart", arguments: ["no:such", "with space", ""])
    func unknown(channel: String) throws {
        var session = session()
        #expect(code(session.received(subscribe(channel), position: here, now: 0)) == .unknownChannel)
        #expect(code(session.received(poll("/api/none"), position: here, now: 0)) == .unknownChannel)
        let nine = try unwrap(SchemaVersion(9))
        let reply = session.received(subscribe(mine.rawValue, versions: [nine]), position: here, now: 0)
        #expect(code(reply) == .unknownVersion)
        guard case .send(.error(_, let message, _, _))? = reply.first else { return }
        #expect(message.contains("1, 2"))
    }

    @Test("the first version that the client wants and the feature has is taken")
    func version() throws {
        var session = session()
        let wanted = [try unwrap(SchemaVersion(9)), try unwrap(SchemaVersion(2))]
        _ = session.received(subscribe(mine.rawValue, versions: wanted), position: here, now: 0)
        #expect(join(session.answered(token: 0, .allowed(nil), now: 0))?.version == wanted[1])
    }

    @Test("nothing is subscribed while the change log is not open")
    func notLive() {
        var session = session()
        #expect(code(session.received(subscribe("news"), position: nil, now: 0)) == .notLive)
    }

    @Test("a second subscription is refused, also while the first is being asked for")
    func alreadySubscribed() {
        var session = session()
        _ = session.received(subscribe(mine.rawValue), position: here, now: 0)
        #expect(code(session.received(subscribe(mine.rawValue), position: here, now: 0)) == .alreadySubscribed)
        _ = session.answered(token: 0, .allowed(nil), now: 0)
        #expect(
            code(session.received(poll("/api/users/42/notifications"), position: here, now: 0)) == .alreadySubscribed)
    }

    @Test("limits: subscriptions, and questions at a time")
    func limits() {
        var session = session(SessionLimits(subscriptions: 2, pendingAsks: 1))
        _ = session.received(subscribe("user:1:notifications"), position: here, now: 0)
        #expect(code(session.received(subscribe("user:2:notifications"), position: here, now: 0)) == .limit)
        _ = session.answered(token: 0, .allowed(nil), now: 0)
        _ = session.received(subscribe("news"), position: here, now: 0)
        #expect(code(session.received(subscribe("user:3:notifications"), position: here, now: 0)) == .limit)
    }

    @Test("too many messages close the connection with 4502; a steady pace does not")
    func rate() {
        var session = session(SessionLimits(messagesPerSecond: 10, messageBurst: 3))
        for _ in 0..<3 { #expect(session.received(.ping(id: nil), position: here, now: 0) == [.send(.pong(id: nil))]) }
        #expect(session.received(.ping(id: nil), position: here, now: 0) == [.close(.limit)])
        var steady = self.session(SessionLimits(messagesPerSecond: 10, messageBurst: 3))
        for second in 0..<100 {
            #expect(steady.received(.ping(id: nil), position: here, now: Double(second) / 10) != [.close(.limit)])
        }
    }

    @Test("messages that are no messages are answered and count for the rate")
    func badMessages() {
        var session = session(SessionLimits(messagesPerSecond: 1, messageBurst: 1))
        #expect(code(session.received(WireError("no"), now: 0)) == .badRequest)
        #expect(session.received(WireError("no"), now: 0) == [.close(.limit)])
        #expect(session.received(WireError("no"), now: 9) == [])
    }

    @Test("unknown types are ignored")
    func unknownType() {
        var session = session()
        #expect(session.received(.unknown(type: "ack"), position: here, now: 0) == [])
    }

    // MARK: Races

    @Test("unsubscribing while the legacy API is asked takes the channel out of the answer")
    func unsubscribeWhileAsking() {
        var session = session()
        _ = session.received(subscribe(mine.rawValue), position: here, now: 0)
        let reply = session.received(.unsubscribe(channel: mine.rawValue, id: "2"), position: here, now: 1)
        #expect(reply == [.send(.unsubscribed(channel: mine, reason: "as asked", id: "2"))])
        #expect(session.answered(token: 0, .allowed(nil), now: 2) == [])
        #expect(session.timer(now: 24) == [.ping], "and nothing is asked again for it")
    }

    @Test("a client whose position is gone can begin with its snapshot, from where the log stood before the question")
    func fromSnapshot() throws {
        var session = session()
        let old = Position(epoch: 1, tick: 1, seq: 1)
        _ = session.received(poll("/api/users/42/notifications", since: .position(old)), position: here, now: 0)
        let join = try unwrap(self.join(session.answered(token: 0, .allowed(snapshot), now: 0)))
        #expect(join.start == .position && join.since == old)
        let anew = try #require(join.fromSnapshot)
        #expect(anew.start == .latest && anew.since == here && anew.snapshot == snapshot && anew.fromSnapshot == nil)
    }

    @Test("a right that is lost while a second channel of its URL is asked for: each question counts once, for its own")
    func refusedWhileAsked() throws {
        func table(_ template: String) throws -> Feature.TableRule {
            Feature.TableRule(
                table: QualifiedName(schema: "public", name: "t"), channel: .template(try ChannelTemplate(template)))
        }
        let feature = Feature(
            name: "two", poll: try PollPattern("GET /two/{id}"), tables: [try table("a:{id}"), try table("b:{id}")])
        var session = Session(
            id: "s", rules: SessionRules(catalog: FeatureCatalog([feature]), limits: SessionLimits()), jitter: 0.5,
            now: 0)
        _ = session.received(subscribe("a:1"), position: here, now: 0)
        _ = session.answered(token: 0, .allowed(nil), now: 0)
        session.heard(now: 300)
        #expect(session.timer(now: 301).contains(.ask(token: 1, target: "/two/1")))
        #expect(session.received(subscribe("b:1"), position: here, now: 301) == [.ask(token: 2, target: "/two/1")])
        #expect(session.answered(token: 1, .refused(status: 403), now: 302).count == 3)
        #expect(session.received(subscribe("b:1"), position: here, now: 303) == [.ask(token: 3, target: "/two/1")])
        #expect(session.answered(token: 2, .allowed(nil), now: 304).isEmpty)
        #expect(join(session.answered(token: 3, .allowed(nil), now: 305)) != nil)
    }

    @Test("unsubscribing and subscribing again while asked: each answer is for its own question")
    func resubscribeWhileAsking() {
        var session = session()
        _ = session.received(subscribe(mine.rawValue, id: "1"), position: here, now: 0)
        _ = session.received(.unsubscribe(channel: mine.rawValue, id: nil), position: here, now: 0)
        #expect(
            session.received(subscribe(mine.rawValue, id: "3"), position: here, now: 0)
                == [.ask(token: 1, target: "/api/users/42/notifications")])
        #expect(session.answered(token: 0, .refused(status: 403), now: 1) == [])
        #expect(join(session.answered(token: 1, .allowed(nil), now: 2))?.id == "3")
    }

    @Test("a client that closes while the legacy API is asked gets nothing more")
    func closedWhileAsking() {
        var session = session()
        _ = session.received(subscribe(mine.rawValue), position: here, now: 0)
        #expect(session.peerClosed() == [])
        #expect(session.answered(token: 0, .allowed(nil), now: 1) == [])
        #expect(session.peerClosed() == [])
        #expect(session.timer(now: 1000) == [])
    }

    @Test("a drain while the legacy API is asked says goodbye and forgets the question")
    func drainWhileAsking() {
        var session = session()
        _ = session.received(subscribe(mine.rawValue), position: here, now: 0)
        #expect(
            session.drain(reconnectAfter: 1234)
                == [.send(.goodbye(reason: "service restart", reconnectAfter: 1234)), .close(.serviceRestart)])
        #expect(session.answered(token: 0, .allowed(nil), now: 1) == [])
        #expect(session.received(.ping(id: nil), position: here, now: 1) == [])
    }

    @Test("an answer that comes twice, or to a question nobody asked, does nothing")
    func strayAnswers() {
        var session = subscribed()
        #expect(session.answered(token: 0, .allowed(nil), now: 1) == [])
        #expect(session.answered(token: 99, .refused(status: 403), now: 1) == [])
        #expect(session.subscriptions.count == 1)
    }

    @Test("closing leaves every channel that was joined, and none that was not")
    func leaves() {
        var session = subscribed()
        _ = session.received(subscribe("user:7:notifications"), position: here, now: 0)
        #expect(session.close(.captureUnsure) == [.leave(mine), .close(.captureUnsure)])
        #expect(session.close(.captureUnsure) == [])
    }

    // MARK: Unsubscribing

    @Test("unsubscribing leaves the channel and answers; twice is not_subscribed")
    func unsubscribe() {
        var session = subscribed()
        #expect(
            session.received(.unsubscribe(channel: mine.rawValue, id: nil), position: here, now: 1)
                == [.leave(mine), .send(.unsubscribed(channel: mine, reason: "as asked", id: nil))])
        #expect(
            code(session.received(.unsubscribe(channel: mine.rawValue, id: nil), position: here, now: 1))
                == .notSubscribed)
    }

    // MARK: Heartbeats and re-authorisation

    @Test("a client that is heard is pinged, one that is silent for two heartbeats is closed with 4001")
    func heartbeat() {
        var session = session(SessionLimits(heartbeat: .seconds(10)))
        #expect(session.timer(now: 10) == [.ping])
        session.heard(now: 11)
        #expect(session.timer(now: 20) == [.ping])
        #expect(session.timer(now: 30) == [.ping])
        #expect(session.timer(now: 40) == [.close(.heartbeatMissed)])
    }

    @Test("rights are asked for again; a lost one ends the subscription with a word")
    func reauthorise() {
        var session = subscribed(SessionLimits(heartbeat: .seconds(1000), reauthorize: .seconds(300)))
        #expect(session.timer(now: 299) == [.ping])
        #expect(session.timer(now: 301) == [.ping, .ask(token: 1, target: "/api/users/42/notifications")])
        #expect(session.timer(now: 302) == [.ping], "not twice at a time")
        let actions = session.answered(token: 1, .refused(status: 403), now: 303)
        #expect(actions.first == .leave(mine))
        guard case .send(.unsubscribed(mine, let reason, nil))? = actions.last else {
            Issue.record("\(actions)")
            return
        }
        #expect(reason.contains("403"))
    }

    @Test("a right that is confirmed, or cannot be asked for, is kept and asked for again")
    func reauthoriseKeeps() {
        var session = subscribed(SessionLimits(heartbeat: .seconds(1000), reauthorize: .seconds(300)))
        _ = session.timer(now: 301)
        #expect(session.answered(token: 1, .unavailable("down"), now: 302) == [])
        #expect(session.timer(now: 603) == [.ping, .ask(token: 2, target: "/api/users/42/notifications")])
        #expect(session.answered(token: 2, .allowed(nil), now: 603) == [])
        #expect(session.subscriptions[mine] != nil)
    }

    @Test("what was unsubscribed meanwhile is not asked for again, and a late refusal hits nothing")
    func reauthoriseAfterUnsubscribe() {
        var session = subscribed(SessionLimits(heartbeat: .seconds(1000), reauthorize: .seconds(300)))
        _ = session.timer(now: 301)
        _ = session.received(.unsubscribe(channel: mine.rawValue, id: nil), position: here, now: 301)
        #expect(session.answered(token: 1, .refused(status: 403), now: 302) == [])
        #expect(session.timer(now: 900) == [.ping])
    }

    @Test("a handshake on a polled URL is subscribed at once, after welcome")
    func openedWithPoll() {
        var session = session()
        let actions = session.opened(
            with: .init(target: .poll("/api/users/42/notifications")), snapshot: snapshot, position: here, now: 0)
        #expect(actions.count == 2)
        #expect(actions.first == session.opened().first)
        guard case .join(let joined)? = actions.last else {
            Issue.record("\(actions)")
            return
        }
        #expect(joined.snapshot == snapshot)
        #expect(joined.since == here)
    }
}
