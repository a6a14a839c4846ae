import DoorbellCore
import DoorbellRollout
import Testing

@testable import Doorbell

@Suite struct PollerReportTests {
    @Test("how often a client polled is told apart from how long it has been silent") func every() {
        func second(_ number: Int64) -> Timestamp { Timestamp(microseconds: number * 1_000_000) }
        var ledger = PollerLedger()
        for time: Int64 in [10, 12, 14] {
            ledger.polled(.init(feature: "orders", identity: 1), agent: "app/1", isDouble: false, at: second(time))
        }
        ledger.polled(.init(feature: "orders", identity: 2), agent: nil, isDouble: true, at: second(20))
        let pollers = ledger.pollers(now: second(50)).map { (poller: $0, isPushed: $0.key.identity == 2) }
        let table = PollerReport(pollers, limit: 10, now: second(50)).table
        #expect(
            table == """
                feature  client            every  polls  double  pushed  last      agent
                orders   0000000000000002  -      1      1       yes     30 s ago  -
                orders   0000000000000001  2.0 s  3      0       -       36 s ago  app/1

                2 clients polled, 1 of them while pushed the same, 2 shown

                """)
    }
}
