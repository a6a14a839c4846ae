import Testing

@testable import DoorbellServer

@Suite struct HeartbeatPaceTests {
    /// Slots that are served at these moments.
    private func served(_ heartbeat: Double, at moments: [Double]) -> [Int] {
        var pace = HeartbeatPace(heartbeat: heartbeat)
        pace.begin(at: 0)
        return moments.map { pace.due(at: $0) }
    }

    @Test("a turn takes a heartbeat, whether the ticks come at their times or late")
    func late() {
        // 40 slots, 25 ms apart.
        #expect(served(1, at: [0.024, 0.026, 0.051, 0.076, 0.099]) == [0, 1, 1, 1, 0])
        let late = (1...20).map { Double($0) * 0.05 + 0.001 }
        #expect(served(1, at: late).reduce(0, +) == 40, "every other tick is left out")
        let odd = (1...33).map { Double($0) * 0.0301 + 0.007 }
        #expect(served(1, at: odd + [1.001]).reduce(0, +) == 40)
    }

    @Test("few clients wake the loop a few times a second; many are served slot by slot")
    func rest() {
        let pace = HeartbeatPace(heartbeat: 25)
        #expect(
            [0, 1, 100].map { pace.rest(members: $0) }.allSatisfy { abs($0 - 0.25) < 0.01 }, "\(pace.rest(members: 1))")
        #expect([400, 1000, 10_000].map { Int(pace.rest(members: $0) / pace.period + 0.5) } == [2, 1, 1])
        #expect(abs(HeartbeatPace(heartbeat: 1).rest(members: 1) - 0.05) < 1e-9, "a twentieth of a heartbeat")
        #expect(HeartbeatPace(heartbeat: 0.2).rest(members: 1) == 0.025)
    }

    @Test("a loop that stood still serves everybody once, and goes on from there")
    func still() {
        #expect(served(1, at: [60, 60.01, 60.026, 60.051]) == [40, 0, 1, 1])
        #expect(served(1, at: [-5, 0.026]) == [0, 1], "a clock that goes back does no harm")
    }

    @Test(
        "heartbeats of all lengths have slots, at least a millisecond apart", arguments: [0.0005, 0.02, 0.2, 25, 3600])
    func lengths(_ heartbeat: Double) {
        let pace = HeartbeatPace(heartbeat: heartbeat)
        #expect((1...1024).contains(pace.slots) && pace.period >= 0.001)
        #expect(abs(pace.period * Double(pace.slots) - max(heartbeat, 0.001)) < 1e-9)
    }
}
