import DoorbellCore
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

@testable import DoorbellShim

@Suite struct SharedAnswersTests {
    private struct Bench {
        var shared = SharedAnswers<Int>(capacity: 1 << 20, lag: .seconds(3))
        /// The newest position on the channels.
        var last: UInt64 = 0
        var head: UInt64 = 10
        var isOpen = true

        init() {
            shared.captureChanged(isLive: true)
            cover(0)
        }

        mutating func cover(_ seconds: Double) { shared.covered(before: CacheFixtures.start + .seconds(seconds)) }

        mutating func decide(
            _ seconds: Double, key: Int = 1, writer: Int = 1, use: CacheRules.Use = .any, mayAsk: Bool = true,
            waiter: Int = 0
        ) -> SharedAnswers<Int>.Decision {
            let last = Position(epoch: 1, tick: 1, seq: last)
            return shared.decide(
                .init(
                    key: CacheFixtures.key(key), writer: CacheFixtures.key(writer), maxAge: .seconds(60), use: use,
                    mayAsk: mayAsk), head: isOpen ? Position(epoch: 1, tick: 1, seq: head) : nil,
                now: CacheFixtures.start + .seconds(seconds), waiter: waiter, isUnchanged: { last <= $0 })
        }

        /// Asks and answers at once.
        mutating func keep(_ seconds: Double, _ text: String = "[]") throws {
            let asking = try #require(Self.asking(decide(seconds)))
            _ = end(asking, text)
        }

        mutating func end(_ asking: SharedAnswers<Int>.Asking, _ text: String? = "[]") -> [Int] {
            shared.ended(
                asking, key: CacheFixtures.key(1),
                with: text.map {
                    .answer(
                        KeptAnswer(
                            [:], body: .init(string: $0), position: asking.position, askedAt: asking.at))
                })
        }

        mutating func isStill(_ kept: KeptAnswer, _ seconds: Double) -> Bool {
            let last = Position(epoch: 1, tick: 1, seq: last)
            return shared.isStill(
                kept,
                for: .init(
                    key: CacheFixtures.key(1), writer: CacheFixtures.key(1), maxAge: .seconds(60), use: .any,
                    mayAsk: true), now: CacheFixtures.start + .seconds(seconds), isUnchanged: { last <= $0 })
        }

        static func asking(_ decision: SharedAnswers<Int>.Decision) -> SharedAnswers<Int>.Asking? {
            if case .ask(let asking) = decision { asking } else { nil }
        }
    }

    private func word(_ decision: SharedAnswers<Int>.Decision) -> String {
        switch decision {
        case .answer(let kept): String(buffer: kept.body)
        case .ask: "ask"
        case .wait: "wait"
        case .pass: "pass"
        }
    }

    @Test("an answer is good until something is published on its channels, or it is too old")
    func good() throws {
        var bench = Bench()
        try bench.keep(1)
        #expect(word(bench.decide(2)) == "[]")
        #expect(word(bench.decide(2, key: 2)) == "ask", "another key")
        bench.head = 20
        #expect(word(bench.decide(2)) == "[]", "something happened elsewhere")
        bench.last = 11
        let asking = try #require(Bench.asking(bench.decide(2)))
        bench.last = 0
        _ = bench.end(asking, nil)
        for second in 3..<61 { bench.cover(Double(second)) }
        #expect(word(bench.decide(60.9)) == "[]")
        #expect(word(bench.decide(61)) == "ask")
    }

    @Test("while capture is not live, or has not told for too long that everything is known, the legacy API is asked")
    func unsure() throws {
        var bench = Bench()
        try bench.keep(1)
        #expect(word(bench.decide(3)) == "[]")
        #expect(word(bench.decide(3.1)) == "pass")
        bench.cover(1)
        let asking = try #require(Bench.asking(bench.decide(3.1)), "what was seen meanwhile may be newer")
        _ = bench.end(asking, "new")
        #expect(word(bench.decide(3.1)) == "new")
        bench.shared.captureChanged(isLive: false)
        #expect(word(bench.decide(3.1)) == "pass")
        bench.shared.captureChanged(isLive: true)
        bench.isOpen = false
        #expect(word(bench.decide(3.1)) == "pass")
        var fresh = SharedAnswers<Int>(capacity: 1 << 20, lag: .seconds(3))
        fresh.captureChanged(isLive: true)
        bench.shared = fresh
        bench.isOpen = true
        #expect(word(bench.decide(0)) == "pass", "nothing was ever told")
    }

    @Test("polls of one key wait for the one that asks, and only while its answer will be good for them")
    func collapse() throws {
        var bench = Bench()
        let first = try #require(Bench.asking(bench.decide(0)))
        #expect(word(bench.decide(0.1, waiter: 7)) == "wait")
        #expect(word(bench.decide(0.2, waiter: 8)) == "wait")
        #expect(word(bench.decide(0.2, mayAsk: false)) == "pass")
        bench.last = 11
        bench.head = 11
        let second = try #require(Bench.asking(bench.decide(0.3)), "something was published since")
        #expect(word(bench.decide(0.4, waiter: 9)) == "wait")
        #expect(bench.end(second, "new") == [9])
        #expect(bench.end(first, "old") == [7, 8])
        #expect(word(bench.decide(0.5)) == "new", "the newer answer stays, whichever comes first")
    }

    @Test("one that leaves while it waits is forgotten at once, and makes room")
    func leaving() throws {
        var bench = Bench()
        let most = SharedAnswers<Int>.maximumWaiting
        let asking = try #require(Bench.asking(bench.decide(0)))
        var places: [SharedAnswers<Int>.Waiting] = []
        for waiter in 0..<most {
            guard case .wait(let place) = bench.decide(0, waiter: waiter) else { throw CancellationError() }
            places.append(place)
        }
        #expect(word(bench.decide(0)) == "pass", "there is no more room")
        for _ in 0..<2 { bench.shared.leave(places[1]) }
        #expect(word(bench.decide(0, waiter: most)) == "wait")
        #expect(word(bench.decide(0)) == "pass")
        #expect(bench.end(asking) == [0] + Array(2...most))
        bench.shared.leave(places[0])
    }

    @Test("who asks anew is asked for, and others may wait for that")
    func refresh() throws {
        var bench = Bench()
        try bench.keep(0, "old")
        let asking = try #require(Bench.asking(bench.decide(1, use: .refresh)))
        #expect(word(bench.decide(1)) == "old")
        #expect(bench.end(asking, "new") == [])
        #expect(word(bench.decide(1)) == "new")
        #expect(word(bench.decide(1, use: .none)) == "pass")
    }

    @Test("a writer sees nothing that was asked for before its write was answered")
    func readYourWrites() throws {
        var bench = Bench()
        try bench.keep(0, "old")
        let running = try #require(Bench.asking(bench.decide(0.4, use: .refresh)))
        bench.shared.wrote(CacheFixtures.key(1), at: CacheFixtures.start + .seconds(0.5))
        #expect(word(bench.decide(0.6, writer: 2)) == "old", "others see what capture knows")
        let own = try #require(Bench.asking(bench.decide(0.6, writer: 1)), "not even the one that is on its way")
        _ = bench.end(own, "own")
        _ = bench.end(running, "on its way")
        #expect(word(bench.decide(0.7, writer: 1)) == "own", "asked for after the write")
        bench.shared.wrote(CacheFixtures.key(1), at: CacheFixtures.start + .seconds(1))
        bench.cover(1.1)
        #expect(word(bench.decide(1.2, writer: 1)) == "own", "capture has told all there was before the answer")
    }

    @Test("an answer that was given is given again as long as it would be")
    func again() throws {
        var bench = Bench()
        try bench.keep(0)
        guard case .answer(let kept) = bench.decide(1) else { throw CancellationError() }
        #expect(bench.isStill(kept, 1) == true)
        #expect(bench.isStill(kept, 3.1) == false)
        #expect(bench.isStill(CacheFixtures.answer(), 1) == false, "another answer than the one that is kept")
        bench.shared.wrote(CacheFixtures.key(1), at: CacheFixtures.start + .seconds(1))
        #expect(bench.isStill(kept, 1.1) == false)
        bench.cover(1.1)
        #expect(bench.isStill(kept, 1.1) == true)
        bench.last = 11
        #expect(bench.isStill(kept, 1.1) == false)
        bench.last = 0
        bench.shared.captureChanged(isLive: false)
        #expect(bench.isStill(kept, 1.1) == false)
    }

    /// Virtual time, in steps of a millisecond; the legacy API takes 20 ms.
    @Test(
        "1,000 clients that poll every 2 s, with a change a second over 100 channels, ask the legacy API 50 times less")
    func load() throws {
        var random = SplitMix(state: 1)
        var shared = SharedAnswers<Int>(capacity: 64 << 20, lag: .seconds(3))
        shared.captureChanged(isLive: true)
        let clients = Dictionary(grouping: 0..<1000) { _ in Int.random(in: 0..<2000, using: &random) }
        var last = [UInt64](repeating: 0, count: 100)
        var seq: UInt64 = 1
        var open: [(asking: SharedAnswers<Int>.Asking, channel: Int, due: Int)] = []
        var (polls, asked) = (0, 0)
        for millisecond in 0..<120_000 {
            let now = CacheFixtures.start + .milliseconds(millisecond)
            shared.covered(before: now)
            if millisecond % 1000 == 0 {
                seq += 1
                last[Int.random(in: 0..<100, using: &random)] = seq
            }
            while let first = open.first, first.due <= millisecond {
                open.removeFirst()
                let kept = KeptAnswer(
                    [:], body: ByteBuffer(string: "[]"), position: first.asking.position, askedAt: first.asking.at)
                _ = shared.ended(first.asking, key: CacheFixtures.key(first.channel), with: .answer(kept))
            }
            for client in clients[millisecond % 2000] ?? [] {
                let channel = client % 100
                let known = last[channel]
                polls += 1
                let decision = shared.decide(
                    .init(
                        key: CacheFixtures.key(channel), writer: CacheFixtures.key(1000 + client),
                        maxAge: .seconds(60), use: .any, mayAsk: true),
                    head: Position(epoch: 1, tick: 1, seq: seq), now: now, waiter: client
                ) { $0.seq >= known }
                if case .ask(let asking) = decision {
                    asked += 1
                    open.append((asking, channel, millisecond + 20))
                }
            }
        }
        #expect(polls == 60_000)
        #expect(asked * 50 <= polls, "\(asked) of \(polls)")
    }

    @Test("what may not be kept makes nobody wait")
    func passes() throws {
        var bench = Bench()
        let asking = try #require(Bench.asking(bench.decide(0)))
        let until = CacheFixtures.start + .seconds(2)
        #expect(bench.shared.ended(asking, key: CacheFixtures.key(1), with: .passes(until: until)) == [])
        #expect(word(bench.decide(1)) == "pass")
        #expect(word(bench.decide(2)) == "ask")
    }

    @Test("whoever waits for one that fails or goes is given back")
    func failure() throws {
        var bench = Bench()
        let asking = try #require(Bench.asking(bench.decide(0)))
        #expect(word(bench.decide(0, waiter: 3)) == "wait")
        #expect(bench.end(asking, nil) == [3])
        #expect(word(bench.decide(0)) == "ask")
    }
}
