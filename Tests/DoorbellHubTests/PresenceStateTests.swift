import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellHub

@Suite struct PresenceStateTests {
    let room: ChannelName
    let other: ChannelName

    init() throws {
        room = try #require(ChannelName("room:1"))
        other = try #require(ChannelName("room:2"))
    }

    private func member(_ session: String, _ user: String? = nil) -> PresenceState.Member {
        PresenceState.Member(user: user, session: session)
    }

    private func changes(
        _ joined: [PresenceState.Member], _ left: [PresenceState.Member]
    ) -> [PresenceState.News] { [.init(channel: room, kind: .changes(joined: joined, left: left))] }

    @Test("a watcher is told who is there, then who comes and goes, once a tick")
    func changes() {
        var state = PresenceState()
        #expect(state.join(member("a", "7"), room) == false, "nobody watches, nothing is to be told")
        #expect(state.watch(room) == .init(members: [member("a", "7")], total: 1))
        #expect(state.join(member("b"), room) == true, "the first change asks for a tick")
        #expect(state.join(member("c"), room) == false, "which is asked for once")
        #expect(state.leave("a", room) == false)
        #expect(state.tick() == changes([member("b"), member("c")], [member("a", "7")]))
        #expect(state.told() == false)
        #expect(state.leave("b", room) == true, "the next change asks again")
        #expect(state.tick() == changes([], [member("b")]))
    }

    @Test("whoever came and went within a tick is told as gone, and whoever went and came as there")
    func flapping() {
        var state = PresenceState()
        _ = state.join(member("a"), room)
        _ = state.watch(room)
        _ = state.join(member("b"), room)
        _ = state.leave("b", room)
        _ = state.leave("a", room)
        _ = state.join(member("a"), room)
        #expect(state.tick() == changes([member("a")], [member("b")]))
    }

    @Test("what changes while a tick is being told waits for the next one")
    func whileTelling() {
        var state = PresenceState()
        _ = state.watch(room)
        #expect(state.join(member("a"), room) == true)
        #expect(state.tick() == changes([member("a")], []))
        #expect(state.join(member("b"), room) == false, "a tick is under way")
        #expect(state.told() == true, "and another one is to follow")
        #expect(state.tick() == changes([member("b")], []))
        #expect(state.told() == false)
    }

    @Test("whoever begins to watch while a tick is being told is told everything afterwards")
    func watchedWhileTelling() {
        var state = PresenceState()
        _ = state.watch(room)
        _ = state.join(member("a"), room)
        #expect(state.tick() == changes([member("a")], []))
        state.unwatch(room)
        #expect(state.leave("a", room) == false, "nobody watches, so nobody notes it")
        #expect(state.watch(room).total == 0, "and then the tick arrives, and says that 'a' is there")
        #expect(state.told() == true)
        #expect(state.tick() == [.init(channel: room, kind: .roll(.init(members: [], total: 0)))])
    }

    @Test("a user who becomes known is told again")
    func knownLater() {
        var state = PresenceState()
        _ = state.watch(room)
        _ = state.join(member("a"), room)
        _ = state.tick()
        _ = state.told()
        #expect(state.join(member("a", "7"), room) == true)
        #expect(state.tick() == changes([member("a", "7")], []))
        #expect(state.memberCount == 1)
    }

    @Test("nothing is gathered for a channel that nobody watches any more")
    func unwatched() {
        var state = PresenceState()
        _ = state.watch(room)
        _ = state.join(member("a"), room)
        state.unwatch(room)
        #expect(state.tick() == [])
        #expect(state.told() == false)
        #expect(state.leave("a", room) == false)
        #expect(state.roll(of: room).total == 0 && state.memberCount == 0)
    }

    @Test("a channel with more members than are listed is told as a number, and as a list when it is small again")
    func large() {
        var state = PresenceState()
        let most = PresenceState.maximumListed
        for index in 0..<most { _ = state.join(member("s\(index)"), room) }
        #expect(state.watch(room).members.count == most)
        _ = state.join(member("one more"), room)
        #expect(state.tick() == [.init(channel: room, kind: .roll(.init(members: [], total: most + 1)))])
        _ = state.told()
        _ = state.leave("one more", room)
        guard case .roll(let roll)? = state.tick().first?.kind else {
            Issue.record("not a list")
            return
        }
        #expect(roll.members.count == most && roll.total == most)
    }

    @Test("more changes than are told one by one are told as a list")
    func manyChanges() {
        var state = PresenceState()
        _ = state.watch(room)
        for index in 0...PresenceState.maximumListed {
            _ = state.join(member("s\(index)"), room)
            _ = state.leave("s\(index)", room)
        }
        #expect(state.tick() == [.init(channel: room, kind: .roll(.init(members: [], total: 0)))])
    }

    @Test("members have a bound over all channels; who has no place is not shown, and may leave")
    func bound() {
        var state = PresenceState(maximumMembers: 2)
        _ = state.join(member("a"), room)
        _ = state.join(member("a"), other)
        _ = state.join(member("b"), room)
        #expect(state.roll(of: room).total == 1)
        #expect(state.leave("b", room) == false)
        _ = state.leave("a", other)
        _ = state.join(member("b"), room)
        #expect(state.roll(of: room).total == 2)
    }

    @Test("whatever happens in whatever order, who applies what is told ends with who is there", arguments: 1...20)
    func random(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        var state = PresenceState()
        let sessions = (0..<6).map { "s\($0)" }
        var there: Set<String> = []
        /// What each watcher believes; it may have come at any moment.
        var beliefs: [Set<String>] = []
        var isTicking = false
        for _ in 0..<400 {
            let session = try #require(sessions.randomElement(using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                there.insert(session)
                isTicking = state.join(member(session), room) || isTicking
            case 4..<8:
                there.remove(session)
                isTicking = state.leave(session, room) || isTicking
            case 8: if beliefs.count < 4 { beliefs.append(Set(state.watch(room).members.map(\.session))) }
            default:
                guard isTicking else { continue }
                tell(state.tick(), &beliefs)
                isTicking = state.told()
            }
        }
        while isTicking {
            tell(state.tick(), &beliefs)
            isTicking = state.told()
        }
        #expect(!beliefs.isEmpty)
        for belief in beliefs { #expect(belief == there) }
    }

    private func tell(_ news: [PresenceState.News], _ beliefs: inout [Set<String>]) {
        for news in news {
            for index in beliefs.indices {
                switch news.kind {
                case .roll(let roll): beliefs[index] = Set(roll.members.map(\.session))
                case .changes(let joined, let left):
                    beliefs[index].formUnion(joined.map(\.session))
                    beliefs[index].subtract(left.map(\.session))
                }
            }
        }
    }
}
