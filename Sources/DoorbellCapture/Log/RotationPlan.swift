/// When to move on to the next outbox table.
struct RotationPlan: Sendable {
    let retention: Duration

    /// Six moves in one retention: what is kept beyond it is at most a sixth.
    var interval: Duration { retention / 6 }

    /// How often to look: often enough to be on time, not more often than once a second.
    var checkInterval: Duration { max(.seconds(1), retention / 24) }

    struct Outbox: Equatable {
        /// The last number handed out.
        let sequence: Int64
        /// Since the last move.
        let age: Duration
        /// Which tables take space.
        let filled: [Bool]
    }

    struct Step: Equatable {
        /// What to set the sequence to; `nil`: stay.
        let rotateTo: Int64?
        /// The tables to truncate if every row in them is old.
        let truncate: [Int]
        /// Rows of different ages will mix in one table, because an old transaction or a lock keeps it from being emptied.
        let mixes: Bool
    }

    func next(_ outbox: Outbox) -> Step {
        let slot = Int((outbox.sequence >> OutboxSchema.slotShift) & Int64(OutboxSchema.slots - 1))
        let next = (slot + 1) % OutboxSchema.slots
        let rotates = outbox.age >= interval && outbox.filled.indices.contains(slot) && outbox.filled[slot]
        let current = rotates ? next : slot
        return Step(
            rotateTo: rotates ? ((outbox.sequence >> OutboxSchema.slotShift) + 1) << OutboxSchema.slotShift : nil,
            truncate: outbox.filled.indices.filter { outbox.filled[$0] && $0 != current },
            mixes: rotates && outbox.filled.indices.contains(next) && outbox.filled[next])
    }
}
