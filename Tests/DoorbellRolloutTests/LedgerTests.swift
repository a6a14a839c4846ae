import Testing

@testable import DoorbellRollout

@Suite struct LedgerTests {
    @Test("polls count requests, unchanged answers, bytes and staleness")
    func polls() throws {
        var ledger = Ledger(features: ["orders"])
        ledger.record(.init(isUnchanged: true, bytesUp: 100, bytesDown: 200, staleness: []), of: "orders")
        ledger.record(.init(isUnchanged: false, bytesUp: 100, bytesDown: 900, staleness: [1.5, 0.5]), of: "orders")
        let row = try #require(ledger.comparison.rows.first { $0.path == .poll })
        #expect(row.requests == 2)
        #expect(row.unchanged == 1)
        #expect(row.unchangedShare == 0.5)
        #expect(row.bytesUp == 200)
        #expect(row.bytesDown == 1100)
        #expect(row.changesTold == 2)
        let staleness = try #require(row.staleness)
        #expect(abs(staleness.p99 - 1.5) < 0.01)
        #expect(abs(staleness.p50 - 0.5) < 0.01)
    }

    @Test("one push to many subscribers is many messages, and its staleness counts for each")
    func push() throws {
        var ledger = Ledger(features: ["orders"])
        ledger.recordSubscribed(to: "orders", bytesUp: 50, bytesDown: 300)
        ledger.recordPush(of: "orders", subscribers: 1000, bytes: 128_000, staleness: [0.004])
        ledger.recordPush(of: "orders", subscribers: 0, bytes: 0, staleness: [9])
        let row = try #require(ledger.comparison.rows.first { $0.path == .push })
        #expect(row.requests == 1000)
        #expect(row.connections == 1)
        #expect(row.bytesDown == 128_300)
        #expect(row.changesTold == 1000)
        #expect(abs((row.staleness?.p99 ?? 0) - 0.004) < 0.0001)
    }

    @Test("odd figures do no harm: negative staleness, infinite, years, unknown features, more leaving than came")
    func oddFigures() {
        var ledger = Ledger(features: ["orders"])
        ledger.record(
            .init(isUnchanged: false, bytesUp: -1, bytesDown: -1, staleness: [-3, .infinity, .nan, 1e12]), of: "orders")
        ledger.record(.init(isUnchanged: false, bytesUp: 1, bytesDown: 1, staleness: []), of: "others")
        ledger.recordUnsubscribed(from: "orders")
        #expect(ledger.comparison.rows.count == 2)
        #expect(ledger.comparison.rows.map(\.connections) == [0, 0])
        #expect(ledger.comparison.rows[0].changesTold == 2)
    }

    @Test("a reset begins anew and keeps the open connections")
    func reset() {
        var ledger = Ledger(features: ["orders"])
        ledger.recordSubscribed(to: "orders", bytesUp: 1, bytesDown: 1)
        ledger.recordPush(of: "orders", subscribers: 3, bytes: 3, staleness: [1])
        ledger.reset()
        let row = ledger.comparison.rows[1]
        #expect(row.requests == 0)
        #expect(row.staleness == nil)
        #expect(row.connections == 1)
    }

    @Test("a subscription that its client ends is no lost one")
    func ended() throws {
        var ledger = Ledger(features: ["orders"])
        for _ in 0..<3 { ledger.recordSubscribed(to: "orders", bytesUp: 1, bytesDown: 1) }
        ledger.recordUnsubscribed(from: "orders", isLost: false)
        ledger.recordUnsubscribed(from: "orders", isLost: true)
        let account = try #require(ledger.account("orders", .push))
        #expect(account.connections == 1 && account.ended == 1)
    }

    @Test("a recorder takes entries from many tasks and loses none")
    func recorder() async {
        let recorder = LedgerRecorder(features: ["orders"])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<200 {
                        recorder.record(
                            .init(isUnchanged: true, bytesUp: 1, bytesDown: 1, staleness: []), of: "orders")
                    }
                }
            }
        }
        #expect(recorder.comparison.rows[0].requests == 1600)
    }
}
