import DoorbellCore
import Foundation
import Testing

@testable import DoorbellRollout

@Suite struct ComparisonTests {
    func example() -> Comparison {
        let ledger = LedgerRecorder(features: ["orders", "a-much-longer-name"]) { Timestamp(microseconds: 0) }
        for index in 0..<200 {
            ledger.record(
                .init(isUnchanged: index % 20 != 0, bytesUp: 320, bytesDown: 1500, staleness: index == 0 ? [1.4] : []),
                of: "orders")
        }
        ledger.recordPush(of: "orders", Ledger.Push(subscribers: 10, bytes: 2_300_000), staleness: [0.0042])
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
        #expect(lines[2].contains("4.19 ms"))
        #expect(lines[3].hasPrefix("a-much-longer-name  poll         0          -"))
    }

    @Test("a comparison survives JSON")
    func json() throws {
        let comparison = example()
        let data = try JSONEncoder().encode(comparison)
        #expect(try JSONDecoder().decode(Comparison.self, from: data) == comparison)
    }
}
