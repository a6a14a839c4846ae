import DoorbellCore
import DoorbellTestSupport
import NIOHTTP1
import Testing

@testable import DoorbellAuth

/// What nobody meant: random bytes, and right ones put together wrongly. Nothing crashes and nothing is let in.
@Suite struct HostileInputTests {
    @Test("random tokens are refused")
    func tokens() throws {
        let verifier = try TokenVerifier.test(TokenConfiguration(keys: .secret(TestToken.secret)))
        var generator = SplitMix(state: 11)
        let right = Array(TestToken.hs256().utf8)
        let pieces = [
            "eyJhbGciOiJIUzI1NiJ9", ".", "e30", "{}", "[", "\"", "alg", "=", "\u{0}", "\u{FFFD}", "AAAA", "-_", "\r\n",
        ]
        for round in 0..<4000 {
            var bytes: [UInt8] = []
            if round.isMultiple(of: 2) {
                bytes = right
                for _ in 0..<Int.random(in: 1...3, using: &generator) {
                    let index = Int.random(in: 0..<bytes.count, using: &generator)
                    switch Int.random(in: 0..<3, using: &generator) {
                    case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                    case 1: bytes.remove(at: index)
                    default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                    }
                }
                if bytes == right { continue }
            } else {
                for _ in 0..<Int.random(in: 0..<8, using: &generator) {
                    bytes += Array((pieces.randomElement(using: &generator) ?? "").utf8)
                }
            }
            let token = String(decoding: bytes, as: UTF8.self)
            #expect(verifier.check(token, now: TestToken.now).identity == nil, "\(round)")
        }
    }

    @Test("random claims, well signed, give an identity or a refusal")
    func claims() throws {
        var configuration = TokenConfiguration(keys: .secret(TestToken.secret))
        configuration.subjectClaim = "a.b"
        configuration.channelsClaim = "c"
        configuration.presenceClaim = "d"
        let verifier = try TokenVerifier.test(configuration)
        var generator = SplitMix(state: 12)
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"c\"", "\"d\"", "\"exp\"", "1700000060", "1e999", "null",
            "true", "\"x:*\"", "-", "\"\\ud800\"", "{\"a\":{\"b\":1},\"exp\":1700000060", "{\"a\":{\"b\":",
        ]
        var accepted = 0
        for round in 0..<4000 {
            let count = Int.random(in: 0..<10, using: &generator)
            var text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            // Half of them begin well.
            if round.isMultiple(of: 2) { text = #"{"a":{"b":1},"exp":1700000060"# + text + "}" }
            if verifier.check(TestToken.hs256(text), now: TestToken.now).identity != nil { accepted += 1 }
        }
        #expect(accepted > 0)
        let deep = String(repeating: "[", count: 3000)
        #expect(verifier.check(TestToken.hs256("{\"a\":\(deep)"), now: TestToken.now).code == .malformed)
    }

    @Test("random origins, hosts and cookies are read without a crash, and only the listed origin is allowed")
    func headers() throws {
        var configuration = OriginConfiguration()
        configuration.allowed = ["https://app.example"]
        let list = try OriginPolicy(configuration)
        let same = OriginPolicy.sameHost
        var generator = SplitMix(state: 13)
        let pieces = [
            "https", "http", ":", "/", "//", "app", ".", "example", "443", "[", "]", "@", "*", "é", " ", "\u{0}",
            "null",
        ]
        func text() -> String {
            let count = Int.random(in: 0..<8, using: &generator)
            return (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
        }
        let right: Set<String> = ["https://app.example", "https://app.example:443"]
        for _ in 0..<5000 {
            let (origin, host) = (text(), text())
            let headers = HTTPHeaders([("origin", origin), ("host", host)])
            if !right.contains(origin) { #expect(list.decide(headers, isTLS: false) != .allowed, "\(origin)") }
            if same.decide(headers, isTLS: false) == .allowed { #expect(origin.contains("://") && !host.isEmpty) }
            _ = CookieHeader.values(of: "app", in: [origin + ";" + host + "=" + text()])
            _ = AddressRange(host)
        }
    }
}
