import Foundation
import Testing

@testable import DoorbellRollout

@Suite struct ComparisonTests {
    func example() -> Comparison {
        var ledger = Ledger(features: ["orders", "a-much-longer-name"])
        for index in 0..<200 {
            ledger.record(
                .init(isUnchanged: index % 20 != 0, bytesUp: 320, bytesDown: 1500, staleness: index == 0 ? [1.4] : []),
                of: "orders")
        }
        ledger.recordPush(of: "orders", subscribers: 10, bytes: 2_300_000, staleness: [0.0042])
        return ledger.comparison
    }

    @Test("the table is aligned, names to the left and figures to the right")
    func table() {
        let lines = example().table.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 6)
        #expect(lines[0].hasPrefix("feature             path  requests  unchanged"))
        #expect(lines[1].hasPrefix("orders              poll       200     95.0 %"))
        #expect(lines[1].contains("300.0 kB"))
        #expect(lines[2].contains("2.3 MB"))
        #expect(lines[2].contains("4.20 ms"))
        #expect(lines[3].hasPrefix("a-much-longer-name  poll         0          -"))
    }

    @Test("figures carry units that fit them")
    func units() {
        #expect(Comparison.bytes(999) == "999 B")
        #expect(Comparison.bytes(1000) == "1.0 kB")
        #expect(Comparison.bytes(999_960) == "1.0 MB")
        #expect(Comparison.bytes(.max) == "18446.7 PB")
        #expect(Comparison.duration(0.000_25) == "250 µs")
        #expect(Comparison.duration(0.25) == "250 ms")
        #expect(Comparison.duration(1.5) == "1.50 s")
        #expect(Comparison.duration(600) == "10.0 min")
    }

    @Test("a comparison survives JSON")
    func json() throws {
        let comparison = example()
        let data = try JSONEncoder().encode(comparison)
        #expect(try JSONDecoder().decode(Comparison.self, from: data) == comparison)
    }
}
