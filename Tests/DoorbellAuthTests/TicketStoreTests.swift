import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellAuth

@Suite struct TicketStoreTests {
    private func granted(_ redemption: TicketStore<Int>.Redemption) -> String {
        switch redemption {
        case .granted(let grant): "\(grant)"
        case .unknown: "unknown"
        case .expired: "expired"
        }
    }

    @Test("a ticket is good for one use within its lifetime")
    func once() {
        var store = TicketStore<Int>()
        let ticket = store.issue(7, now: TestToken.at(0))
        #expect(Ticket.isWellFormed(ticket))
        #expect(granted(store.redeem(ticket, now: TestToken.at(29.9))) == "7")
        #expect(granted(store.redeem(ticket, now: TestToken.at(29.9))) == "unknown")
        let late = store.issue(8, now: TestToken.at(0))
        #expect(granted(store.redeem(late, now: TestToken.at(30))) == "expired")
        #expect(granted(store.redeem(late, now: TestToken.at(30))) == "unknown")
        #expect(store.count == 0)
    }

    @Test(
        "what was never a ticket is unknown",
        arguments: ["", "ticket.", "ticket.AAAA", "x", "ticket." + String(repeating: "A", count: 43), "ticket.é"])
    func unknown(_ text: String) {
        var store = TicketStore<Int>()
        _ = store.issue(7, now: TestToken.at(0))
        #expect(granted(store.redeem(text, now: TestToken.at(1))) == "unknown")
        #expect(store.count == 1)
    }

    @Test("the oldest ticket leaves when there are too many, and nothing grows with those that were used")
    func bound() {
        var configuration = TicketConfiguration()
        configuration.maximumTickets = 3
        var store = TicketStore<Int>(configuration)
        let tickets = (0..<4).map { store.issue($0, now: TestToken.at(Double($0))) }
        #expect(store.count == 3)
        #expect(granted(store.redeem(tickets[0], now: TestToken.at(5))) == "unknown")
        #expect(granted(store.redeem(tickets[3], now: TestToken.at(5))) == "3")
        for number in 0..<100 {
            let ticket = store.issue(number, now: TestToken.at(6))
            #expect(granted(store.redeem(ticket, now: TestToken.at(6))) == "\(number)")
        }
        store.prune(now: TestToken.at(100))
        #expect(store.count == 0)
    }

    @Test("tickets differ, and come from the generator")
    func random() {
        var (a, b) = (SplitMix(state: 1), SplitMix(state: 1))
        #expect(Ticket.make(using: &a) == Ticket.make(using: &b))
        #expect(Ticket.make(using: &a) != Ticket.make(using: &a))
        var store = TicketStore<Int>()
        #expect(Set((0..<1000).map { _ in store.issue(0, now: TestToken.at(0)) }).count == 1000)
    }
}
