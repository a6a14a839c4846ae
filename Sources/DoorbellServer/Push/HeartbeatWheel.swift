/// The members of one event loop, and when each beats: one timer for all of them.
///
/// Members sit in slots. Each tick serves one slot, so each member is served once a turn, which takes one heartbeat. A member that
/// arrives gets a seat in the second half of the turn ahead, one slot after the other, so that many that came at once are not served at
/// once. There are as many seats as members; arriving, leaving and being served take the same time however many there are. Pure, but
/// for the seat that each member keeps.
struct HeartbeatWheel<Member: HeartbeatMember> {
    private var slots: [[Member]]
    /// Served last.
    private var position = 0
    private var arrivals = 0
    private(set) var count = 0

    /// - Parameter slots: Ticks in one turn, at least 1.
    init(slots: Int) { self.slots = Array(repeating: [], count: max(1, slots)) }

    var isEmpty: Bool { count == 0 }

    /// In no order. Takes time in proportion to the members: for the end of the service, not for each message.
    var members: [Member] { slots.flatMap { $0 } }

    mutating func add(_ member: Member) {
        let half = slots.count - slots.count / 2
        arrivals = (arrivals + 1) % half
        let slot = (position + slots.count - arrivals) % slots.count
        member.seat = HeartbeatSeat(slot: slot, index: slots[slot].count)
        slots[slot].append(member)
        count += 1
    }

    /// Nothing, for a member that has left already.
    mutating func remove(_ member: Member) {
        let seat = member.seat
        guard seat.isTaken, let last = slots[seat.slot].popLast() else { return }
        member.seat = .none
        count -= 1
        guard last !== member else { return }
        slots[seat.slot][seat.index] = last
        last.seat = seat
    }

    /// Those whose turn it is. One that leaves while they are served has no seat any more.
    mutating func tick() -> [Member] {
        position = (position + 1) % slots.count
        return slots[position]
    }
}

protocol HeartbeatMember: AnyObject {
    /// The wheel's own note. `none` until it is added, and after it has left.
    var seat: HeartbeatSeat { get set }
}

/// Where a member of a ``HeartbeatWheel`` sits.
struct HeartbeatSeat: Equatable {
    private let packedSlot: Int32
    private let packedIndex: Int32

    static let none = HeartbeatSeat(slot: -1, index: 0)

    init(slot: Int, index: Int) {
        packedSlot = Int32(truncatingIfNeeded: slot)
        packedIndex = Int32(truncatingIfNeeded: index)
    }

    var slot: Int { Int(packedSlot) }
    var index: Int { Int(packedIndex) }
    var isTaken: Bool { packedSlot >= 0 }
}
