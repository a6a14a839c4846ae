import DoorbellCore
import Testing

@testable import DoorbellRollout

@Suite struct RadioSamplerTests {
    private static func usage(_ sampler: RadioSampler, _ path: Ledger.Path, _ moment: Double) -> ComparisonReport
        .RadioUsage?
    {
        sampler.usage(until: moment).first { $0.path == path }
    }

    @Test("who polls every three seconds has its radio on all the time, who is pushed to every minute a fifth of it")
    func shares() throws {
        let sampler = RadioSampler()
        let probe = try #require(sampler.connected(at: 0))
        for second in stride(from: 0.0, to: 3600, by: 3) { sampler.polled(0xABC0, path: .poll, at: second) }
        for second in stride(from: 60.0, to: 3600, by: 60) { probe.transfer(at: second) }
        let polls = try #require(Self.usage(sampler, .poll, 3600))
        #expect(polls.clients == 1 && polls.watchedSeconds == 3600 && polls.radioSeconds == 3600)
        let push = try #require(Self.usage(sampler, .push, 3600))
        #expect(push.clients == 1 && push.watchedSeconds == 3600)
        #expect(abs(push.radioSeconds / push.watchedSeconds - (0.26 + 11.576) / 60) < 0.01)
        sampler.disconnected(probe, at: 3600)
        sampler.disconnected(probe, at: 4000)
        #expect(Self.usage(sampler, .push, 5000) == push)
    }

    @Test("one who has gone costs nothing more, and stays in the sum")
    func gone() throws {
        let sampler = RadioSampler()
        for second in 0..<100 { sampler.polled(16, path: .conditional, at: Double(second)) }
        let last = try #require(Self.usage(sampler, .conditional, 2000))
        #expect(last.clients == 1 && last.watchedSeconds == 99 + 60 && last.radioSeconds < 112)
        #expect(Self.usage(sampler, .conditional, 9000) == last)
    }

    @Test("however many there are, memory has a bound, and the sample is a fair one")
    func bounded() throws {
        let sampler = RadioSampler()
        var random = SplitMix(state: 5)
        let callers = (0..<20_000).map { _ in random.next() }
        for second in 0..<20 {
            for (index, caller) in callers.enumerated() where second % (index % 2 == 0 ? 1 : 10) == 0 {
                sampler.polled(caller, path: index % 2 == 0 ? .poll : .held, at: Double(second))
            }
        }
        let (often, seldom) = (
            try #require(Self.usage(sampler, .poll, 20)), try #require(Self.usage(sampler, .held, 20))
        )
        #expect(often.clients + seldom.clients <= RadioSampler.maximumPollers)
        #expect(often.clients + seldom.clients > 300)
        // Those who poll ten times as often are not preferred.
        let share = Double(often.clients) / Double(often.clients + seldom.clients)
        #expect(share > 0.4 && share < 0.6)
        var probes: [RadioProbe] = []
        for _ in 0..<10_000 { if let probe = sampler.connected(at: 20) { probes.append(probe) } }
        #expect(probes.count == RadioSampler.maximumConnections)
        sampler.disconnected(probes[0], at: 21)
        #expect(sampler.connected(at: 22) != nil && sampler.connected(at: 22) == nil)
    }
}
