import Testing

@testable import DoorbellRollout

@Suite struct TickSharesTests {
    private static func units(_ amounts: [Ledger.Path?: Double]) -> SIMD8<Double> {
        var units = SIMD8<Double>()
        for (path, amount) in amounts { units[TickShares.index(of: path)] = amount }
        return units
    }

    @Test("a turn of one kind is that kind's, and one of none is nobody's")
    func alone() {
        var shares = TickShares()
        #expect(shares.share(3, units: Self.units([.push: 100])) == Self.units([.push: 3]))
        #expect(shares.share(2, units: SIMD8()) == Self.units([nil: 2]))
        #expect(shares.share(0, units: Self.units([.push: 1])) == SIMD8())
        #expect(shares.share(-1, units: Self.units([.push: 1])) == SIMD8())
    }

    @Test("a mixed turn is shared by what each kind costs by itself, and nothing of it is lost")
    func mixed() {
        var shares = TickShares()
        _ = shares.share(10, units: Self.units([.poll: 1]))
        _ = shares.share(10, units: Self.units([.push: 10]))
        let shared = shares.share(6, units: Self.units([.poll: 1, .push: 20]))
        #expect(abs(shared[TickShares.index(of: .poll)] - 2) < 1e-9)
        #expect(abs(shared[TickShares.index(of: .push)] - 4) < 1e-9)
        // What was never alone counts like the others.
        let unknown = shares.share(8, units: Self.units([.held: 1, .push: 10, nil: 1]))
        #expect(abs(unknown.sum() - 8) < 1e-9 && unknown[TickShares.index(of: .held)] > 0)
    }

    @Test("what a unit costs is learned slowly from turns of one kind")
    func learning() {
        var shares = TickShares()
        _ = shares.share(1, units: Self.units([.push: 1]))
        for _ in 0..<200 { _ = shares.share(4, units: Self.units([.poll: 1])) }
        for _ in 0..<200 { _ = shares.share(2, units: Self.units([.push: 1])) }
        let shared = shares.share(6, units: Self.units([.poll: 1, .push: 1]))
        #expect(abs(shared[TickShares.index(of: .poll)] - 4) < 0.01)
    }
}
