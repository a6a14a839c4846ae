import Testing

@testable import DoorbellSimulate

@Suite("Which row is changed when")
struct ChangePlanTests {
    private func plan(_ seed: UInt64, clients: Int = 10, rate: Double = 50, duration: Double = 4) -> ChangePlan {
        var plan = SimulationPlan()
        (plan.seed, plan.clients, plan.changeRate, plan.duration) = (seed, clients, rate, duration)
        return ChangePlan(plan)
    }

    @Test("the same seed makes the same changes, another one others")
    func seed() {
        #expect(plan(7) == plan(7))
        #expect(plan(7) != plan(8))
    }

    @Test("as many as the rate says, in order, within the time, of users and rows that there are")
    func bounds() {
        let changes = plan(1).changes
        #expect(changes.count == 200)
        #expect(changes.map(\.moment) == changes.map(\.moment).sorted())
        #expect(changes.allSatisfy { (0..<4).contains($0.moment) })
        #expect(Set(changes.map(\.user)) == Set(1...10))
        #expect(Set(changes.map(\.slot)) == Set(1...5))
    }

    @Test("there is always one change, however low the rate")
    func few() { #expect(plan(1, rate: 0.01, duration: 1).changes.count == 1) }
}
