import Testing

@testable import DoorbellRollout

/// Sums that can be done on paper.
@Suite struct PricesTests {
    func equal(_ value: Double, _ expected: Double) -> Bool { abs(value - expected) < 1e-9 }

    @Test("polls cost by the million, by the gigabyte that they bring, and by the processor's hour")
    func polls() {
        var tally = ComparisonReport.Tally()
        tally.requests = 2_500_000
        tally.bytesDown = 5_000_000_000
        tally.bytesUp = 7_000_000_000
        tally.cpuSeconds = 1800
        let cost = Prices().cost(of: tally)
        #expect(equal(cost.requests, 2.5) && equal(cost.traffic, 0.45) && cost.connections == 0)
        #expect(equal(cost.cpu, 0.02024) && equal(cost.total, 2.97024))
    }

    @Test("push costs by message and by the minutes that connections are open")
    func push() {
        var tally = ComparisonReport.Tally()
        tally.requests = 100_000
        // 1,000 connections for a day: 1.44 million minutes.
        tally.connectionSeconds = 1000 * 86_400
        let cost = Prices().cost(of: tally)
        #expect(equal(cost.requests, 0.1) && equal(cost.connections, 0.36) && equal(cost.total, 0.46))
    }

    @Test("prices of one's own take the place of the examples")
    func own() {
        var prices = Prices()
        prices.requests = 0
        prices.connections = 0
        prices.traffic = 2
        var tally = ComparisonReport.Tally()
        tally.requests = 9
        tally.connectionSeconds = 9
        tally.bytesDown = 500_000_000
        #expect(equal(prices.cost(of: tally).total, 1))
    }
}
