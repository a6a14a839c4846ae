import DoorbellCore
import Testing

@testable import DoorbellRollout

@Suite struct PollerTests {
    func key(_ identity: UInt64, _ feature: String = "orders") -> PollerLedger.Key {
        PollerLedger.Key(feature: feature, identity: identity)
    }

    func second(_ number: Double) -> Timestamp { Timestamp(microseconds: Int64(number * 1e6)) }

    @Test("a client is known with its agent, how often it polls, and since when")
    func polls() throws {
        var ledger = PollerLedger()
        for number in 0..<10 {
            ledger.polled(key(1), agent: "curl/8", isDouble: number == 9, at: second(Double(number) * 3))
        }
        ledger.polled(key(2), agent: nil, isDouble: false, at: second(26))
        ledger.polled(key(1, "news"), agent: "x", isDouble: false, at: second(27))
        let pollers = ledger.pollers(of: "orders", now: second(28))
        #expect(pollers.map(\.key.identity) == [2, 1], "who polled once has not been silent for long")
        let poller = try #require(pollers.last)
        #expect(poller.agent == "curl/8" && poller.polls == 10 && poller.doublePolls == 1)
        #expect(poller.first == second(0) && poller.last == second(27))
        #expect(abs((poller.interval ?? 0) - 3) < 1e-9)
        #expect(ledger.pollers(now: second(28)).count == 3)
        #expect(ledger.pollers(now: second(100)).map { $0.distance(now: second(100)) } == [73, 73, 74])
    }

    @Test("a client that slows down is believed after some polls")
    func interval() throws {
        var ledger = PollerLedger()
        for number in 0..<20 { ledger.polled(key(1), agent: nil, isDouble: false, at: second(Double(number))) }
        for number in 1...10 {
            ledger.polled(key(1), agent: nil, isDouble: false, at: second(19 + Double(number) * 30))
        }
        let interval = try #require(ledger.pollers(now: second(319)).first?.interval)
        #expect(interval > 25 && interval < 30)
        ledger.polled(key(1), agent: nil, isDouble: false, at: second(5))
        #expect(ledger.pollers(now: second(319)).first?.last == second(319), "a clock that was set back")
    }

    @Test("it is bounded: the clients that polled last are known, whoever comes")
    func bounded() {
        var ledger = PollerLedger(capacity: 100)
        for number in 0..<10_000 {
            ledger.polled(key(UInt64(number)), agent: nil, isDouble: false, at: second(Double(number)))
            if number % 10 == 0 { ledger.polled(key(0), agent: nil, isDouble: false, at: second(Double(number))) }
        }
        let known = Set(ledger.pollers(now: second(10_000)).map(\.key.identity))
        #expect(known.count <= 100)
        #expect(Set((9951..<10_000).map(UInt64.init)).isSubset(of: known) && known.contains(0))
        #expect(ledger.pollers(now: second(10_000)).contains { $0.key.identity == 0 && $0.polls > 900 })
    }

    @Test(
        "a poll is double while the same client is pushed the same feature, by however many connections, unless it is needed"
    )
    func double() {
        let book = PollerBook()
        func polls(_ identity: UInt64 = 1, isNeeded: Bool = false) -> Bool {
            book.polled(key(identity), agent: nil, isNeeded: isNeeded, at: second(1))
        }
        #expect(!polls())
        book.began(key(1))
        book.began(key(1))
        book.began(key(2, "news"))
        #expect(polls() && !polls(isNeeded: true) && !polls(2))
        book.ended(key(1))
        #expect(polls())
        #expect(book.pollers(now: second(1)).filter(\.isPushed).map(\.poller.key) == [key(1)])
        book.ended(key(1))
        book.ended(key(1))
        #expect(!polls())
        #expect(book.pollers(of: "orders", now: second(1)).first { $0.poller.key == key(1) }?.poller.doublePolls == 2)
    }
}
