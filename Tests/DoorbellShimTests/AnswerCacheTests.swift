import DoorbellCore
import DoorbellServer
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

@testable import DoorbellShim

/// Keys and answers for tests of what is pure.
enum CacheFixtures {
    static let start = ContinuousClock.now

    static func key(_ number: Int) -> CacheKey {
        CacheKey(
            HTTPRequestHead(version: .http1_1, method: .GET, uri: "/\(number)"),
            from: RequestOrigin(address: nil, isTLS: false), identity: .public, varying: [])
    }

    static func answer(
        _ text: String = "[]", at position: UInt64 = 1, seconds: Double = 0, headers: HTTPHeaders = [:]
    ) -> KeptAnswer {
        KeptAnswer(
            headers, body: ByteBuffer(string: text), position: Position(epoch: 1, tick: 1, seq: position),
            askedAt: start + .seconds(seconds))
    }
}

@Suite struct AnswerCacheTests {
    private func body(_ remembered: AnswerCache.Remembered?) -> String? {
        guard case .answer(let kept)? = remembered else { return nil }
        return String(buffer: kept.body)
    }

    @Test("what was not used for longest leaves first")
    func leastRecentlyUsed() {
        let cost = CacheFixtures.answer("0").cost
        var cache = AnswerCache(capacity: 3 * cost)
        for number in 0..<3 { cache.keep(.answer(CacheFixtures.answer("\(number)")), for: CacheFixtures.key(number)) }
        #expect(body(cache.value(for: CacheFixtures.key(0))) == "0")
        cache.keep(.answer(CacheFixtures.answer("3")), for: CacheFixtures.key(3))
        #expect(body(cache.value(for: CacheFixtures.key(1))) == nil)
        #expect([0, 2, 3].map { body(cache.value(for: CacheFixtures.key($0))) } == ["0", "2", "3"])
        #expect(cache.bytes == 3 * cost && cache.count == 3)
    }

    @Test("an answer larger than everything is not kept, and takes its older one along")
    func tooLarge() {
        var cache = AnswerCache(capacity: 4096)
        cache.keep(.answer(CacheFixtures.answer("small")), for: CacheFixtures.key(1))
        cache.keep(.answer(CacheFixtures.answer(String(repeating: "x", count: 5000))), for: CacheFixtures.key(1))
        #expect(body(cache.value(for: CacheFixtures.key(1))) == nil)
        #expect(cache.bytes == 0 && cache.count == 0)
    }

    @Test("any order of uses keeps the bound and the order, as a list would")
    func model() {
        var random = SplitMix(state: 7)
        let capacity = 20_000
        var cache = AnswerCache(capacity: capacity)
        var model: [(number: Int, text: String, cost: Int)] = []
        for step in 0..<20_000 {
            let number = Int.random(in: 0..<60, using: &random)
            let known = model.firstIndex { $0.number == number }
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                let text = String(repeating: "x", count: Int.random(in: 0..<2000, using: &random)) + "\(step)"
                let kept = CacheFixtures.answer(text)
                cache.keep(.answer(kept), for: CacheFixtures.key(number))
                if let known { model.remove(at: known) }
                model.append((number, text, kept.cost))
                while model.reduce(0, { $0 + $1.cost }) > capacity { model.removeFirst() }
            case 4:
                cache.forget(CacheFixtures.key(number))
                if let known { model.remove(at: known) }
            default:
                #expect(body(cache.value(for: CacheFixtures.key(number))) == known.map { model[$0].text })
                if let known { model.append(model.remove(at: known)) }
            }
            #expect(cache.count == model.count && cache.bytes == model.reduce(0) { $0 + $1.cost })
        }
    }
}

@Suite struct KeptAnswerTests {
    @Test("an answer without a tag gets one made from its body; a compressed one gets none; its own is kept")
    func tags() {
        #expect(CacheFixtures.answer("[1]").tag?.hasPrefix("W/\"") == true)
        #expect(CacheFixtures.answer("[1]").tag == CacheFixtures.answer("[1]", at: 9).tag)
        #expect(CacheFixtures.answer("[1]", headers: ["content-encoding": "gzip"]).tag == nil)
        #expect(CacheFixtures.answer("[1]", headers: ["etag": "\"a\""]).tag == "\"a\"")
    }

    @Test("a 304 says what a 200 says, but for its body")
    func notModified() {
        let kept = CacheFixtures.answer(
            "[1]", headers: ["content-type": "application/json", "cache-control": "private", "x-own": "1"])
        #expect(kept.headers["content-length"] == ["3"])
        #expect(kept.notModified["cache-control"] == ["private"] && kept.notModified["x-own"] == ["1"])
        #expect(!kept.notModified.contains(name: "content-type") && !kept.notModified.contains(name: "content-length"))
        #expect(kept.isHeld(by: ["if-none-match": "\"b\", \(kept.tag ?? "")"]))
        #expect(kept.isHeld(by: ["if-none-match": "*"]))
        #expect(!kept.isHeld(by: ["if-none-match": "\"b\""]) && !kept.isHeld(by: [:]))
    }
}
