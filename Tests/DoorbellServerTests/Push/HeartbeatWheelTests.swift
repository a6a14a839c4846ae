import DoorbellCore
import Testing

@testable import DoorbellServer

@Suite struct HeartbeatWheelTests {
    final class Member: HeartbeatMember {
        let name: Int
        var seat = HeartbeatSeat.none
        init(_ name: Int) { self.name = name }
    }

    @Test("each member is served once a turn, a whole turn apart")
    func onceATurn() {
        var wheel = HeartbeatWheel<Member>(slots: 8)
        for name in 0..<20 { wheel.add(Member(name)) }
        var served: [Int: [Int]] = [:]
        for tick in 0..<24 { for member in wheel.tick() { served[member.name, default: []].append(tick) } }
        #expect(served.count == 20)
        for ticks in served.values { #expect(ticks == [ticks[0], ticks[0] + 8, ticks[0] + 16]) }
    }

    @Test("members that came at once are served over half a turn, none of them before half a turn has passed")
    func spread() {
        var wheel = HeartbeatWheel<Member>(slots: 100)
        for _ in 0..<30 { _ = wheel.tick() }
        for name in 0..<1000 { wheel.add(Member(name)) }
        let served = (1...100).map { _ in wheel.tick().count }
        #expect(served.prefix(50).allSatisfy { $0 == 0 })
        #expect(served.suffix(50).allSatisfy { $0 == 20 })
    }

    @Test("with one slot everybody is served at each tick")
    func oneSlot() {
        var wheel = HeartbeatWheel<Member>(slots: 0)
        for name in 0..<3 { wheel.add(Member(name)) }
        #expect(wheel.tick().count == 3)
        #expect(wheel.tick().count == 3)
    }

    @Test("whoever leaves is served no more and nobody else is lost, in any order, also while a slot is served")
    func leaving() {
        var random = SplitMix(state: 7)
        for slots in [1, 3, 64] {
            var wheel = HeartbeatWheel<Member>(slots: slots)
            var present: [Int: Member] = [:]
            for step in 0..<5000 {
                switch UInt64.random(in: 0..<4, using: &random) {
                case 0, 1:
                    let member = Member(step)
                    wheel.add(member)
                    present[step] = member
                case 2:
                    guard let (name, member) = present.randomElement(using: &random) else { continue }
                    wheel.remove(member)
                    wheel.remove(member)
                    present[name] = nil
                    #expect(!member.seat.isTaken)
                default:
                    for member in wheel.tick() where member.seat.isTaken {
                        #expect(present[member.name] === member)
                        guard Bool.random(using: &random), let other = present.values.randomElement(using: &random)
                        else { continue }
                        wheel.remove(other)
                        present[other.name] = nil
                    }
                }
                #expect(wheel.count == present.count)
            }
            #expect(Set(wheel.members.map(\.name)) == Set(present.keys))
            for member in present.values { wheel.remove(member) }
            #expect(wheel.isEmpty && wheel.members.isEmpty)
        }
    }
}
