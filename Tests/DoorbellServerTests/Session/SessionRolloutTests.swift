import DoorbellCore
import DoorbellWire
import Testing

@testable import DoorbellServer

@Suite struct SessionRolloutTests {
    let feature: Feature
    let other: Feature
    let here = Position(epoch: 1, tick: 10, seq: 100)

    init() throws {
        feature = try TestFeatures.news()
        other = try TestFeatures.boards(batch: .zero)
    }

    /// Subscribed to `news`, which is public.
    func subscribed() -> Session {
        var session = Session(
            id: "s", rules: SessionRules(catalog: FeatureCatalog([feature, other]), limits: SessionLimits()), jitter: 0,
            now: 0)
        _ = session.received(.subscribe(.init(target: .channel("news"))), position: here, now: 0)
        return session
    }

    func told(_ use: ServerMessage.Transport, _ name: String = "news") -> [Session.Action] {
        [.send(.transport(feature: name, use: use))]
    }

    @Test("who subscribes is told nothing while push is right, and is told to poll where it is not, once")
    func joining() {
        var session = subscribed()
        #expect(session.joined(feature, usesPush: true) == nil)
        #expect(session.joined(feature, usesPush: false) == .transport(feature: "news", use: .poll))
        #expect(session.joined(feature, usesPush: false) == nil, "another channel of the same feature")
    }

    @Test("a step is told when it changes this client's answer, and its subscription lives on")
    func moving() {
        var session = subscribed()
        #expect(session.moved([feature]) { _ in true } == [])
        #expect(session.moved([feature]) { _ in false } == told(.poll))
        #expect(session.moved([feature]) { _ in false } == [])
        #expect(session.subscriptions.count == 1)
        #expect(session.moved([feature]) { _ in true } == told(.push))
        #expect(session.moved([other]) { _ in false } == [], "it is not subscribed to that")
        #expect(session.moved { $0 !== feature } == told(.poll), "all features are looked at for another client")
    }

    @Test("a subscription that still waits for its right is told when it begins")
    func pending() throws {
        let asked = try TestFeatures.notifications()
        var session = Session(
            id: "s", rules: SessionRules(catalog: FeatureCatalog([asked]), limits: SessionLimits()), jitter: 0, now: 0)
        _ = session.received(.subscribe(.init(target: .channel("user:1:notifications"))), position: here, now: 0)
        #expect(session.moved([asked]) { _ in false } == [])
        _ = session.answered(token: 0, .allowed(nil), now: 0)
        #expect(session.joined(asked, usesPush: false) == .transport(feature: "notifications", use: .poll))
    }

    @Test("a client that was told to poll, left and comes back is told again; a closed session is told nothing")
    func again() {
        var session = subscribed()
        _ = session.moved([feature]) { _ in false }
        _ = session.received(.unsubscribe(channel: "news", id: nil), position: here, now: 0)
        #expect(session.moved([feature]) { _ in true } == [], "whoever is not subscribed polls, and its polls tell it")
        _ = session.received(.subscribe(.init(target: .channel("news"))), position: here, now: 0)
        #expect(session.joined(feature, usesPush: false) == .transport(feature: "news", use: .poll))
        _ = session.peerClosed()
        #expect(session.moved([feature]) { _ in true } == [])
    }
}
