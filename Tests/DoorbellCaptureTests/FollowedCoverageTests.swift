import Testing

@testable import DoorbellCapture

@Suite struct FollowedCoverageTests {
    private let start = ContinuousClock.now
    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("a look that finds nothing outside the ticks has seen everything")
    func idle() {
        var coverage = FollowedCoverage()
        #expect(coverage.looked(at: at(1), lastTick: 5, isMore: false, delivered: 5) == at(1))
        #expect(coverage.looked(at: at(2), lastTick: 6, isMore: false, delivered: 5) == nil, "not delivered yet")
        #expect(coverage.looked(at: at(3), lastTick: 6, isMore: false, delivered: 6) == at(3))
    }

    @Test("under load it takes two more ticks than the look has seen")
    func busy() {
        var coverage = FollowedCoverage()
        #expect(coverage.looked(at: at(1), lastTick: 5, isMore: true, delivered: 5) == nil)
        #expect(coverage.looked(at: at(2), lastTick: 6, isMore: true, delivered: 6) == nil)
        #expect(coverage.looked(at: at(3), lastTick: 7, isMore: true, delivered: 7) == at(1))
        #expect(coverage.looked(at: at(4), lastTick: 8, isMore: true, delivered: 8) == nil)
        #expect(coverage.looked(at: at(5), lastTick: 9, isMore: true, delivered: 9) == at(3))
        #expect(coverage.looked(at: at(6), lastTick: 9, isMore: false, delivered: 9) == at(6))
    }
}
