import Crypto
import DoorbellCore
import Testing

@testable import DoorbellAuth

@Suite struct KeySetTests {
    private func set(_ text: String, secrets: Bool = false) throws -> KeySet {
        try KeySet(jwks: Array(text.utf8), allowsSecrets: secrets)
    }

    @Test("entries for other uses, of unknown kinds and broken ones are left out and counted")
    func leftOut() throws {
        let good = TestToken.jwks([("a", P256.Signing.PrivateKey())]).dropFirst(9).dropLast(2)
        let entry = String(good.dropFirst())
        let set = try set(
            """
            {"x":1,"keys":[\(good),{"use":"enc",\(entry),{"key_ops":["sign"],\(entry),{"alg":"ES384",\(entry),
             {"alg":"dir",\(entry),{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"},{"kty":"RSA","n":"AQAB","e":"AQAB"},
             {"kty":"OKP","crv":"Ed25519","x":"AAAA"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{}]}
            """)
        #expect(set.keys.count == 1)
        #expect(set.skipped == 10)
        #expect(set.keys[0].id == "a" && set.keys[0].algorithms == [.es256])
    }

    @Test("a point that is not on the curve is no key")
    func offCurve() {
        let zeros = Base64URL.encode([UInt8](repeating: 1, count: 32))
        #expect(throws: KeyError.self) {
            try self.set(#"{"keys":[{"kty":"EC","crv":"P-256","x":"\#(zeros)","y":"\#(zeros)"}]}"#)
        }
    }

    @Test(
        "what is no key set is refused",
        arguments: [
            "", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[1]}"#, #"{"keys":[]} x"#, "<html>",
            #"{"keys":[{"kty":"oct","k":"AAAA"}]}"#,
        ])
    func noSet(_ text: String) {
        #expect(throws: KeyError.self) { try self.set(text) }
    }

    @Test("at most a hundred keys")
    func many() {
        let entries = Array(repeating: "{}", count: 101).joined(separator: ",")
        #expect(throws: KeyError("the key set has more than 100 keys")) { try self.set(#"{"keys":[\#(entries)]}"#) }
    }

    @Test("secrets of a set count only where they are allowed and long enough")
    func secrets() throws {
        let secret = Base64URL.encode([UInt8](repeating: 7, count: 48))
        let text = #"{"keys":[{"kty":"oct","k":"\#(secret)"},{"kty":"oct","k":"AAAA"}]}"#
        #expect(throws: KeyError.self) { try self.set(text) }
        let keys = try set(text, secrets: true).keys
        #expect(keys.map(\.algorithms) == [[.hs256, .hs384]])
    }

    @Test("a key is found by its name; without one all that fit are tried, a few at most")
    func candidates() throws {
        let keys = (0..<20).map { _ in P256.Signing.PrivateKey() }
        let set = try set(TestToken.jwks([("a", keys[0]), ("b", keys[1])] + keys.dropFirst(2).map { (nil, $0) }))
        #expect(set.candidates(for: .es256, id: "b").map(\.id) == ["b"])
        #expect(set.candidates(for: .es256, id: "c").allSatisfy { $0.id == nil })
        #expect(set.candidates(for: .es256, id: nil).count == 16)
        #expect(set.candidates(for: .rs256, id: "a").isEmpty)
    }

    @Test("base64url has one spelling for one sequence of bytes")
    func base64() {
        for count in 0..<50 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64URL.decode(Base64URL.encode(bytes).utf8) == bytes)
        }
        for text in ["A", "AA=", "AB", "AAB", "A+", "A/", "A A", "AAAAA", "AA\n"] {
            #expect(Base64URL.decode(text.utf8) == nil, "\(text)")
        }
    }

    @Test("Cache-Control says how long a set may be kept")
    func cacheControl() {
        #expect(CacheControl.age(["public, max-age=600"]) == .seconds(600))
        #expect(CacheControl.age(["Max-Age = \"5\""]) == .seconds(5))
        #expect(CacheControl.age(["max-age=60", "no-cache"]) == .zero)
        #expect(CacheControl.age(["max-age=99999999999999999999"]) == .seconds(1 << 31))
        for text in ["", "max-age", "max-age=", "max-age=-1", "max-age=1.5", "s-maxage=5", ",,,"] {
            #expect(CacheControl.age([text]) == nil, "\(text)")
        }
    }

    @Test("a plan loads once at a time, at its age, and for strangers only now and then")
    func plan() {
        var plan = KeyRefreshPlan(
            ages: .seconds(60) ... .seconds(3600), defaultAge: .seconds(600), unknownKeyInterval: .seconds(30))
        func at(_ seconds: Double) -> Timestamp { TestToken.at(seconds) }
        func tick(_ seconds: Double) -> Bool { plan.tick(now: at(seconds)) }
        func stranger(_ seconds: Double) -> Bool { plan.metUnknownKey(now: at(seconds)) }
        #expect(tick(0))
        #expect(!tick(1))
        #expect(!stranger(1))
        #expect(plan.asked(now: at(1)) == false)
        plan.loaded(age: .seconds(1), now: at(2))
        #expect(!tick(29))
        #expect(!stranger(29))
        #expect(stranger(30))
        plan.loaded(age: .seconds(1), now: at(31))
        #expect(!tick(90))
        #expect(tick(91))
        plan.loaded(age: .seconds(1 << 31), now: at(100))
        #expect(!tick(3699))
        #expect(tick(3700))
        // Failures: 5, 10, 20 … 300 s.
        plan.failed(now: at(4000))
        #expect(!tick(4004))
        #expect(tick(4005))
        plan.failed(now: at(4010))
        #expect(!tick(4019))
        #expect(tick(4020))
        for _ in 0..<100 { plan.failed(now: at(5000)) }
        #expect(!tick(5299))
        #expect(tick(5300))
        // A clock that was set back does not stop it for ever.
        plan.loaded(age: nil, now: at(5300))
        #expect(stranger(10))
    }
}
