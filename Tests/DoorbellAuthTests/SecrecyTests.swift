import Crypto
import DoorbellCore
import NIOHTTP1
import Testing

@testable import DoorbellAuth

/// Nothing that a person could print shows a secret.
@Suite struct SecrecyTests {
    /// Every way in which Swift makes text of a value.
    private func texts(_ value: Any) -> String {
        var dumped = ""
        dump(value, to: &dumped)
        return "\(value) \(String(reflecting: value)) \(String(describing: value)) \(dumped)"
    }

    @Test("descriptions, dumps, errors and logs hold no secret, token, ticket or claim")
    func nothing() async throws {
        let word = "hunter2"
        let secret = Secret(String(repeating: word, count: 10))
        let claims = #"{"sub":"ann","exp":1700000060,"card":"\#(word)"}"#
        let log = LogRecord()
        var configuration = TokenConfiguration(keys: .secret(secret))
        configuration.presenceClaim = "card"
        let verifier = try TokenVerifier.test(configuration, log: log)
        let token = TestToken.hs256(claims, secret: secret)
        let identity = try #require(verifier.check(token, now: TestToken.now).identity)
        await verifier.reload()

        var store = TicketStore<Identity>()
        let ticket = store.issue(identity, now: TestToken.now)
        var source = TokenSourceConfiguration()
        source.allowsQueryToken = true
        let tokens = TokenSource(source)
        let header = try tokens.find(headers: ["authorization": "Bearer \(token)"], target: "/?ticket=\(ticket)x")
        let query = try tokens.find(headers: [:], target: "/?token=\(token)")
        let byTicket = try tokens.find(headers: [:], target: "/_doorbell/ws?ticket=\(ticket)")

        var shown = [secret, configuration, identity, identity.claims, header.credential, query.credential].map(texts)
        shown += [verifier.check(token, now: TestToken.now)].map(texts)
        shown += [query.description, byTicket.description, texts(byTicket.credential), texts(header.credential)]
        shown += [query.loggedTarget, byTicket.loggedTarget] + log.all
        for wrong in [token + "x", "x" + token, TestToken.hs256(claims), String(token.dropLast(3)), token + token] {
            guard case .refused(let error) = verifier.check(wrong, now: TestToken.now) else {
                Issue.record("accepted")
                continue
            }
            shown.append(texts(error))
        }
        let needles = [
            word, token, ticket, String(token.split(separator: ".")[1]), String(token.split(separator: ".")[2]),
        ]
        for text in shown {
            for needle in needles { #expect(!text.contains(needle), "\(text) holds \(needle)") }
        }
        // They are there, or the test would prove nothing.
        #expect(identity.claims.texts("card") == [word])
    }

    @Test("no reason of a refusal repeats what the token says")
    func reasons() throws {
        let verifier = try TokenVerifier.test(TokenConfiguration(keys: .secret(TestToken.secret)))
        for claims in [#"{"iss":"NEEDLE"}"#, #"{"exp":"NEEDLE"}"#, #"{"exp":1,"sub":"NEEDLE"}"#, "NEEDLE"] {
            guard case .refused(let error) = verifier.check(TestToken.hs256(claims), now: TestToken.now) else {
                Issue.record("accepted")
                continue
            }
            #expect(!texts(error).contains("NEEDLE"))
        }
        let header = #"{"alg":"NEEDLE","kid":"NEEDLE"}"#
        guard case .refused(let error) = verifier.check(TestToken.hs256(header: header), now: TestToken.now) else {
            Issue.record("accepted")
            return
        }
        #expect(!texts(error).contains("NEEDLE"))
    }
}
