import Testing

@testable import DoorbellAssess

@Suite struct ForecastTests {
    /// 100 clients poll every 5 s for an hour: 20 polls a second, of which a tenth brings 1,000 new bytes.
    private var forecast: Forecast {
        var figures = EndpointFigures()
        figures.duration = 3600
        figures.polls = 72_000
        figures.requests = 72_000
        figures.pollers = 100
        figures.period = 5
        figures.compared = 72_000
        figures.unchanged = 0.9
        figures.pollBytes = 72_000 * 1000
        figures.connections = 100
        figures.staleness = 2.5
        return Forecast(figures, Assumptions())
    }

    private func expect(_ value: Double, _ wanted: Double) {
        #expect(abs(value - wanted) < 1e-6 * max(1, wanted), "\(value), not \(wanted)")
    }

    @Test func `polling costs what the log says`() {
        let now = forecast[.now]
        expect(now.requests, 20)
        expect(now.bytes, 20 * 1300)
        expect(now.processors, 20 * 0.005)
        #expect(now.connections == 0)
        #expect(now.staleness == 2.5)
    }

    @Test func `tags save bodies and nothing else`() {
        let conditional = forecast[.conditional]
        expect(conditional.requests, 20)
        expect(conditional.bytes, 20 * 300 + 2 * 1000)
    }

    @Test func `a held poll is answered by a change or after 25 s`() {
        let held = forecast[.longPoll]
        expect(held.requests, 2 + 100.0 / 25)
        expect(held.originRequests, 2)
        expect(held.bytes, 6 * 300 + 2 * 1000)
        #expect(held.connections == 100)
    }

    @Test func `push sends changes, heartbeats and a handshake an hour`() {
        let push = forecast[.push]
        expect(push.messages, 2)
        expect(push.requests, 100.0 / 3600)
        expect(push.bytes, 2 * 1120 + 100.0 / 25 * 6 + 100.0 / 3600 * 700)
        expect(forecast[.sse].bytes, 2 * 1060 + 100.0 / 25 * 6 + 100.0 / 3600 * 700)
        #expect(push.staleness == 0)
    }
}
