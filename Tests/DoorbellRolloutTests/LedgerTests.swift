import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellRollout

@Suite struct LedgerTests {
    private static func at(_ seconds: Double) -> Timestamp { Timestamp(microseconds: Int64(seconds * 1e6)) }

    @Test("polls count requests, unchanged answers, bytes and staleness, by cohort and path")
    func polls() throws {
        var ledger = Ledger(features: ["orders"])
        ledger.record(.init(isUnchanged: true, bytesUp: 100, bytesDown: 200, staleness: []), of: "orders")
        ledger.record(.init(isUnchanged: false, bytesUp: 100, bytesDown: 900, staleness: [1.5, 0.5]), of: "orders")
        var tagged = Ledger.Poll(isUnchanged: true, bytesUp: 120, bytesDown: 90, staleness: [])
        tagged.path = .conditional
        tagged.cohort = .push
        tagged.originRequests = 1
        ledger.record(tagged, of: "orders")
        let counts = ledger.counts(at: Self.at(0))
        #expect(counts.count == 2)
        let plain = try #require(counts[Ledger.Key("orders", .poll, .poll)])
        #expect(plain.requests == 2 && plain.unchanged == 1 && plain.originRequests == 0)
        #expect(plain.bytesUp == 200 && plain.bytesDown == 1100)
        #expect(plain.staleness.count == 2)
        #expect(abs((plain.staleness.percentile(99) ?? 0) - 1.5) < 0.02)
        #expect(abs((plain.staleness.percentile(50) ?? 0) - 0.5) < 0.005)
        let conditional = try #require(counts[Ledger.Key("orders", .push, .conditional)])
        #expect(conditional.requests == 1 && conditional.unchanged == 1 && conditional.originRequests == 1)
    }

    @Test("one push to many subscribers is many messages, and its staleness counts for each")
    func push() throws {
        var ledger = Ledger(features: ["orders"])
        ledger.recordSubscribed(to: "orders", cohort: .push, bytesUp: 50, bytesDown: 300, at: Self.at(0))
        ledger.recordPush(
            of: "orders", Ledger.Push(subscribers: 900, bytes: 115_200),
            pollers: Ledger.Push(subscribers: 100, bytes: 12_800),
            staleness: [0.004])
        ledger.recordPush(of: "orders", .nobody, staleness: [9])
        ledger.recordPushing(of: "orders", cohort: .push, bytesUp: 6, bytesDown: 2, originRequests: 3)
        let counts = ledger.counts(at: Self.at(10))
        let push = try #require(counts[Ledger.Key("orders", .push, .push)])
        #expect(push.requests == 900 && push.bytesUp == 56 && push.bytesDown == 115_502 && push.originRequests == 3)
        #expect(push.connectionSeconds == 10)
        #expect(push.staleness.count == 900 && abs((push.staleness.percentile(99) ?? 0) - 0.004) < 0.0001)
        #expect(counts[Ledger.Key("orders", .poll, .push)]?.requests == 100)
    }

    @Test("connections are counted in seconds, once however many channels they have, wherever they are told to go")
    func connections() {
        var ledger = Ledger(features: ["orders"])
        let (push, poll) = (Ledger.Key("orders", .push, .push), Ledger.Key("orders", .poll, .push))
        ledger.recordSubscribed(to: "orders", cohort: .push, bytesUp: 0, bytesDown: 0, at: Self.at(0))
        ledger.recordSubscribed(to: "orders", cohort: .push, isFirst: false, bytesUp: 0, bytesDown: 0, at: Self.at(1))
        ledger.recordSubscribed(
            to: "orders", cohort: .push, isResumed: true, bytesUp: 0, bytesDown: 0, at: Self.at(2))
        var taken = ledger.take(at: Self.at(4))
        #expect(taken[push]?.connectionSeconds == 6 && taken[push]?.reconnects == 1)
        ledger.recordMoved(of: "orders", to: .poll, subscriptions: 2, at: Self.at(5))
        #expect(ledger.window(of: "orders").connections == 3)
        taken = ledger.take(at: Self.at(7))
        #expect(taken[push]?.connectionSeconds == 4 && taken[poll]?.connectionSeconds == 2)
        ledger.recordUnsubscribed(from: "orders", cohort: .poll, isLast: false, at: Self.at(7))
        ledger.recordUnsubscribed(from: "orders", cohort: .poll, at: Self.at(8))
        ledger.recordUnsubscribed(from: "orders", cohort: .push, at: Self.at(8))
        taken = ledger.take(at: Self.at(100))
        #expect(taken[push]?.connectionSeconds == 1 && taken[poll]?.connectionSeconds == 1)
        #expect(ledger.take(at: Self.at(200)).isEmpty)
        // A clock that is set back takes nothing away.
        ledger.recordSubscribed(to: "orders", cohort: .push, bytesUp: 0, bytesDown: 0, at: Self.at(300))
        #expect(ledger.take(at: Self.at(299))[push]?.connectionSeconds ?? 0 == 0)
        #expect(ledger.take(at: Self.at(301))[push]?.connectionSeconds == 2)
    }

    @Test("odd figures do no harm: negative staleness, infinite, years, unknown features, more leaving than came")
    func oddFigures() {
        var ledger = Ledger(features: ["orders"])
        ledger.record(
            .init(isUnchanged: false, bytesUp: -1, bytesDown: -1, staleness: [-3, .infinity, .nan, 1e12]), of: "orders")
        ledger.record(.init(isUnchanged: false, bytesUp: 1, bytesDown: 1, staleness: []), of: "others")
        ledger.recordUnsubscribed(from: "orders", at: Self.at(0))
        let counts = ledger.counts(at: Self.at(1))
        #expect(Set(counts.keys) == [Ledger.Key("orders", .poll, .poll)])
        #expect(counts[Ledger.Key("orders", .poll, .poll)]?.staleness.count == 2)
        #expect(ledger.window(of: "orders").connections == 0 && ledger.window(of: "others") == Ledger.Window())
    }

    @Test("processor time is shared by requests, else by connections, and nothing is made up")
    func spending() {
        var ledger = Ledger(features: ["a", "b"])
        for _ in 0..<3 { ledger.record(.init(isUnchanged: true, bytesUp: 1, bytesDown: 1, staleness: []), of: "a") }
        ledger.record(.init(isUnchanged: true, bytesUp: 1, bytesDown: 1, staleness: []), of: "b")
        ledger.recordSubscribed(to: "b", cohort: .push, bytesUp: 0, bytesDown: 0, at: Self.at(0))
        let left = ledger.spend([.poll: 8, .push: 1, .held: 0.5], at: Self.at(10))
        #expect(left == 0.5)
        let counts = ledger.counts(at: Self.at(10))
        #expect(counts[Ledger.Key("a", .poll, .poll)]?.cpuSeconds == 6)
        #expect(counts[Ledger.Key("b", .poll, .poll)]?.cpuSeconds == 2)
        #expect(counts[Ledger.Key("b", .push, .push)]?.cpuSeconds == 1)
    }

    @Test("a subscription that its client ends is no lost one")
    func ended() throws {
        var ledger = Ledger(features: ["orders"])
        for _ in 0..<3 {
            ledger.recordSubscribed(to: "orders", cohort: .push, bytesUp: 1, bytesDown: 1, at: Self.at(0))
        }
        ledger.recordUnsubscribed(from: "orders", cohort: .push, isLost: false, at: Self.at(1))
        ledger.recordUnsubscribed(from: "orders", cohort: .push, isLost: true, at: Self.at(1))
        let account = try #require(ledger.account("orders", .push, .push))
        #expect(account.connections == 1 && account.ended == 1)
    }

    @Test("a recorder takes entries from many tasks and loses none, whenever intervals end")
    func recorder() async {
        let clock = Locked(0.0)
        let recorder = LedgerRecorder(features: ["orders"]) { Self.at(clock.withLock { $0 }) }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for index in 0..<200 {
                        recorder.record(
                            .init(isUnchanged: true, bytesUp: 1, bytesDown: 1, staleness: []), of: "orders")
                        guard index % 50 == 0 else { continue }
                        clock.withLock { $0 += 10 }
                        recorder.closeInterval()
                    }
                }
            }
        }
        #expect(recorder.memory.minutes.flatMap(\.lines.values).reduce(0) { $0 + $1.requests } == 1600)
    }
}
