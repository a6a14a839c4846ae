import DoorbellCore

/// Which row is changed when: the same in each phase. Pure.
struct ChangePlan: Sendable, Equatable {
    struct Change: Sendable, Equatable {
        /// Seconds since the phase's measured time began.
        var moment: Double
        /// From 1.
        var user: Int
        /// Which of the user's rows, from 1.
        var slot: Int
    }

    /// In the order of their moments. A change's number, from 1, is what its row says in `revision`.
    let changes: [Change]

    init(changes: [Change]) { self.changes = changes }

    /// So many changes in all, at random moments: some are close together, as they are in reality.
    init(_ plan: SimulationPlan) {
        var random = SplitMix(state: plan.seed)
        let count = max(1, Int((plan.changeRate * plan.duration).rounded()))
        let moments = (0..<count).map { _ in Double.random(in: 0..<plan.duration, using: &random) }.sorted()
        self.changes = moments.map { moment in
            Change(
                moment: moment, user: .random(in: 1...plan.clients, using: &random),
                slot: .random(in: 1...SimulationPlan.rowsPerUser, using: &random))
        }
    }
}
