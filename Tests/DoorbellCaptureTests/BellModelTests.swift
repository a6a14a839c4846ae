import Testing

/// A test of the bell that passes without one of its steps is not testing it.
@Suite("The bell") struct BellModelTests {
    private func losses(_ mutation: BellModel.Mutation, rounds: Int) -> Int {
        var random = SystemRandomNumberGenerator()
        return (0..<rounds).count { _ in
            var model = BellModel(writers: Int.random(in: 1...4), mutation: mutation)
            return model.losesWakeup(using: &random)
        }
    }

    @Test("no order of steps loses a wake-up") func holds() { #expect(losses(.none, rounds: 50_000) == 0) }

    @Test("leave one step out and wake-ups are lost", arguments: BellModel.Mutation.allCases.filter { $0 != .none })
    func mutations(_ mutation: BellModel.Mutation) { #expect(losses(mutation, rounds: 20_000) > 0) }
}
