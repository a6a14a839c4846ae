import Testing

@testable import DoorbellCapture

@Suite("RotationPlan") struct RotationPlanTests {
    private let plan = RotationPlan(retention: .seconds(600))
    private let block: Int64 = 1 << 36

    private func filled(_ slots: Int...) -> [Bool] { (0..<8).map { slots.contains($0) } }

    @Test("it moves on after a sixth of the retention, if anything was written") func rotates() {
        let young = RotationPlan.Outbox(sequence: 5, age: .seconds(99), filled: filled(0))
        #expect(plan.next(young) == .init(rotateTo: nil, truncate: [], mixes: false))
        let old = RotationPlan.Outbox(sequence: 5, age: .seconds(100), filled: filled(0))
        #expect(plan.next(old) == .init(rotateTo: block, truncate: [0], mixes: false))
        let empty = RotationPlan.Outbox(sequence: 5, age: .seconds(1000), filled: filled())
        #expect(plan.next(empty) == .init(rotateTo: nil, truncate: [], mixes: false))
    }

    @Test("after the eighth table comes the first, and numbers go on growing") func wraps() {
        let outbox = RotationPlan.Outbox(sequence: 15 * block + 9, age: .seconds(100), filled: filled(6, 7))
        #expect(plan.next(outbox) == .init(rotateTo: 16 * block, truncate: [6, 7], mixes: false))
    }

    @Test("a next table that could not be emptied is written to all the same, and said so") func mixes() {
        let outbox = RotationPlan.Outbox(sequence: 3 * block, age: .seconds(100), filled: filled(3, 4, 5))
        #expect(plan.next(outbox) == .init(rotateTo: 4 * block, truncate: [3, 5], mixes: true))
    }
}
