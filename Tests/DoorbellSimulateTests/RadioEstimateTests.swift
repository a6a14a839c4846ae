import Testing

@testable import DoorbellSimulate

@Suite("The radio of a phone")
struct RadioEstimateTests {
    private func share(_ kind: PhaseKind, interval: Double = 2, rate: Double = 50) -> Double {
        var plan = SimulationPlan()
        (plan.interval, plan.changeRate) = (interval, rate)
        return RadioEstimate.share(plan, kind)
    }

    @Test("polls every few seconds keep it on for ever")
    func polling() { #expect(share(.polling) > 0.999) }

    @Test("a poll a minute, or a heartbeat: connecting and the tail, 11.836 s each")
    func seldom() {
        #expect(abs(share(.polling, interval: 60) - 11.836 / 60) < 0.001)
        #expect(abs(share(.push(.webSocket), rate: 0.01) - 11.836 / 25) < 0.01)
    }

    @Test("messages add to it, up to all of the time")
    func messages() {
        let (few, some, many) = (
            share(.push(.webSocket), rate: 0.01), share(.push(.webSocket), rate: 50),
            share(.push(.webSocket), rate: 5000)
        )
        #expect(few < some)
        #expect(some < 0.6)
        #expect(many > 0.95)
    }
}
