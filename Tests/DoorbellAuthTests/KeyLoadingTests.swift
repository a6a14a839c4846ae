import Crypto
import DoorbellCore
import MetricsTestKit
import NIOCore
import NIOPosix
import Testing

@testable import DoorbellAuth

@Suite struct KeyLoadingTests {
    private func remote(_ change: (inout TokenConfiguration.KeySetURL) -> Void = { _ in }) -> TokenConfiguration {
        var url = TokenConfiguration.KeySetURL("https://issuer.example/keys")
        change(&url)
        return TokenConfiguration(keys: .jwksURL(url))
    }

    /// Does what ``TokenVerifier/run()`` does when time passes, without the time.
    private func tick(_ verifier: TokenVerifier, _ clock: TestClock) async {
        if verifier.state.withLock({ $0.plan.tick(now: clock.now) }) { await verifier.load(now: clock.now) }
    }

    @Test("a key file is read again when it changes, and a broken one leaves the old keys in use and is told of once")
    func file() async throws {
        let folder = try Folder()
        let (old, new) = (P256.Signing.PrivateKey(), P256.Signing.PrivateKey())
        let path = try folder.write("keys.json", TestToken.jwks([("a", old)]))
        let (clock, log) = (TestClock(), LogRecord())
        let verifier = try TokenVerifier.test(TokenConfiguration(keys: .jwksFile(path)), log: log, clock: clock)
        // One token each: signatures differ from time to time, and a remembered token is the same one.
        let (oldToken, newToken) = (try TestToken.es256(old, id: "a"), try TestToken.es256(new, id: "b"))
        func accepts(_ token: String) -> Bool { verifier.check(token, now: TestToken.now).identity != nil }
        #expect(accepts(oldToken))
        try folder.write("keys.json", "{")
        for _ in 0..<3 {
            clock.advance(.seconds(10))
            await tick(verifier, clock)
        }
        #expect(accepts(oldToken))
        #expect(log.all.filter { $0.hasPrefix("warning: keys for tokens could not be loaded") }.count == 1)
        try folder.write("keys.json", TestToken.jwks([("b", new)]))
        clock.advance(.seconds(10))
        await tick(verifier, clock)
        #expect(accepts(newToken))
        // It was remembered, and its key has been withdrawn.
        #expect(!accepts(oldToken))
        #expect(log.all.contains { $0.hasPrefix("notice: keys for tokens loaded") })
    }

    @Test("a file that has not changed is not read again, and reload() reads it all the same")
    func unchanged() async throws {
        let folder = try Folder()
        let path = try folder.write("keys.json", TestToken.jwks([("a", P256.Signing.PrivateKey())]))
        let (clock, log) = (TestClock(), LogRecord())
        let verifier = try TokenVerifier.test(TokenConfiguration(keys: .jwksFile(path)), log: log, clock: clock)
        clock.advance(.seconds(10))
        await tick(verifier, clock)
        #expect(log.all == [])
        await verifier.reload()
        #expect(log.all.count == 1)
    }

    @Test("time does not make a verifier with a secret forget what it knows")
    func secret() async throws {
        let clock = TestClock()
        let verifier = try TokenVerifier.test(TokenConfiguration(keys: .secret(TestToken.secret)), clock: clock)
        #expect(verifier.check(TestToken.hs256(), now: TestToken.now).identity != nil)
        clock.advance(.seconds(10))
        await tick(verifier, clock)
        await verifier.reload()
        #expect(verifier.state.withLock { $0.cache.count } == 1)
    }

    @Test("while the issuer is down the last good keys stay, and before the first ones tokens are told to wait")
    func issuerDown() async throws {
        let key = P256.Signing.PrivateKey()
        let issuer = FakeIssuer(TestToken.jwks([("a", key)]), cacheControl: ["max-age=100"])
        issuer.fail()
        let (clock, log, metrics) = (TestClock(), LogRecord(), TestMetrics())
        let verifier = try TokenVerifier.test(remote(), issuer: issuer, log: log, clock: clock, metrics: metrics)
        await tick(verifier, clock)
        let token = try TestToken.es256(key, id: "a")
        #expect(verifier.check(token, now: TestToken.now).code == .keysUnavailable)
        #expect(TokenError(.keysUnavailable, "").isTemporary)
        issuer.serve(TestToken.jwks([("a", key)]), cacheControl: ["max-age=100"])
        clock.advance(.seconds(5))
        await tick(verifier, clock)
        #expect(verifier.check(token, now: TestToken.now).identity != nil)
        issuer.fail()
        clock.advance(.seconds(99))
        await tick(verifier, clock)
        #expect(issuer.fetches == 2)
        clock.advance(.seconds(1))
        await tick(verifier, clock)
        #expect(issuer.fetches == 3)
        #expect(verifier.check(token, now: TestToken.now).identity != nil)
        #expect(log.all.filter { $0.hasPrefix("warning") }.count == 2)
        #expect(log.all.contains { $0.contains("the last good ones") })
        func count(_ label: String, _ result: String) throws -> Int64 {
            try metrics.expectCounter(label, [("result", result)]).totalValue
        }
        #expect(try count("doorbell_key_loads_total", "failed") == 2)
        #expect(try count("doorbell_key_loads_total", "loaded") == 1)
        #expect(try count("doorbell_tokens_total", "verified") == 1)
        #expect(try count("doorbell_tokens_total", "remembered") == 1)
        #expect(try count("doorbell_tokens_total", "keys_unavailable") == 1)
    }

    @Test("an answer without a usable key does not replace good ones")
    func useless() async throws {
        let key = P256.Signing.PrivateKey()
        let issuer = FakeIssuer(TestToken.jwks([("a", key)]))
        let clock = TestClock()
        let verifier = try TokenVerifier.test(remote(), issuer: issuer, clock: clock)
        await tick(verifier, clock)
        for answer in ["", "{}", #"{"keys":[]}"#, #"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
            issuer.serve(answer)
            clock.advance(.seconds(3600))
            await tick(verifier, clock)
            #expect(verifier.check(try TestToken.es256(key, id: "a"), now: TestToken.now).identity != nil)
        }
    }

    @Test("a token with a new key waits for one fetch, and strangers bring no more than one in 30 s")
    func unknownKey() async throws {
        let (old, new) = (P256.Signing.PrivateKey(), P256.Signing.PrivateKey())
        let issuer = FakeIssuer(TestToken.jwks([("a", old)]))
        let clock = TestClock()
        let verifier = try TokenVerifier.test(remote(), issuer: issuer, clock: clock)
        await tick(verifier, clock)
        issuer.serve(TestToken.jwks([("a", old), ("b", new)]))
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let token = try TestToken.es256(new, id: "b")
        // The set is younger than 30 s.
        let early = verifier.verify(token, now: clock.now, on: loop)
        await #expect(throws: TokenError(.unknownKey, "")) { try await early.get() }
        clock.advance(.seconds(30))
        let waiting = (0..<10).map { _ in verifier.verify(token, now: clock.now, on: loop) }
        #expect(verifier.state.withLock { $0.waiting.count } == 10)
        #expect(issuer.fetches == 1)
        await verifier.load(now: clock.now)
        for one in waiting { #expect(try await one.get().subject == "ann") }
        #expect(issuer.fetches == 2)
        for number in 0..<20 {
            let stranger = try TestToken.es256(P256.Signing.PrivateKey(), id: "x\(number)")
            #expect(verifier.check(stranger, now: clock.now).code == .unknownKey)
        }
        #expect(issuer.fetches == 2)
        #expect(!verifier.state.withLock { $0.plan.isLoading })
    }

    @Test("a key that appears at the issuer is accepted while run() is running, and run() ends when cancelled")
    func running() async throws {
        let key = P256.Signing.PrivateKey()
        let issuer = FakeIssuer(TestToken.jwks([("a", key)]))
        let verifier = try TokenVerifier.test(remote(), issuer: issuer)
        let task = Task { try await verifier.run() }
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let identity = try await verifier.verify(
            try TestToken.es256(key, id: "a"), now: TestToken.now, on: loop
        ).get()
        #expect(identity.subject == "ann")
        task.cancel()
        try await task.value
    }

    @Test("no more than a thousand tokens wait, and each only as long as a fetch may take")
    func waiting() async throws {
        let issuer = FakeIssuer("{}")
        let clock = TestClock()
        let verifier = try TokenVerifier.test(
            remote { $0.timeout = .milliseconds(100) }, issuer: issuer, clock: clock)
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let token = try TestToken.es256(P256.Signing.PrivateKey(), id: "a")
        // Nobody loads.
        let all = (0..<TokenVerifier.maximumWaiting).map { _ in verifier.verify(token, now: clock.now, on: loop) }
        let more = verifier.verify(token, now: clock.now, on: loop)
        await #expect(throws: TokenError(.keysUnavailable, "")) { try await more.get() }
        await #expect(throws: TokenError(.keysUnavailable, "")) { try await all[0].get() }
        for one in all { _ = try? await one.get() }
        await verifier.load(now: clock.now)
        #expect(verifier.state.withLock { $0.waiting.count } == 0)
    }
}
