import Testing

@testable import Doorbell

/// Wrong values of what concerns the whole service, and the sentences that they get, word for word.
@Suite struct ServiceMistakesTests {
    @Test(
        "an upstream that cannot be reached so is refused, without what may be a password",
        arguments: [
            ("http://127.0.0.1:70000", "'http://127.0.0.1:70000' has a port that is not a number from 1 to 65535"),
            ("http://127.0.0.1:abc", "'http://127.0.0.1:abc' has a port that is not a number from 1 to 65535"),
            ("http://127.0.0.1:-1", "'http://127.0.0.1:-1' has a port that is not a number from 1 to 65535"),
            ("'http://[::1'", "'http://[::1' has an IPv6 address whose bracket is not closed"),
            ("http://u:secretpw@host", "must not have a user or a password"),
            ("http://", "'http://' has no host, or one that is none"),
        ])
    func upstreams(text: String, reason: String) {
        #expect(
            problems("database: dbname=a\nupstream: \(text)\n").contains(
                "2: upstream \(reason); write it like http://127.0.0.1:3000"))
    }

    @Test("a password before a scheme that is none is not repeated")
    func upstreamWithoutScheme() {
        #expect(
            problems("database: dbname=a\nupstream: u:secretpw@host\n").contains(
                "2: upstream must begin with 'http://' or 'https://'"))
    }

    @Test(
        "an upstream that is Doorbell itself is told",
        arguments: [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true), ("127.0.0.1:8080", "http://localhost:8080/api", true),
            ("0.0.0.0:8080", "http://127.0.0.1:8080", true), ("':8080'", "http://0.0.0.0:8080", true),
            ("0.0.0.0:80", "http://localhost", true), ("'[::]:8080'", "'http://[::1]:8080'", true),
            ("api:8080", "http://API:8080/", true), ("127.0.0.1:8080", "http://127.0.0.1:3000", false),
            ("127.0.0.1:8080", "http://127.0.0.2:8080", false), ("0.0.0.0:8080", "http://api:8080", false),
            ("0.0.0.0:443", "http://127.0.0.1", false), ("0.0.0.0:8080", "'http://[::1]:8080'", false),
        ])
    func loops(listen: String, upstream: String, isLoop: Bool) {
        let told = problems("database: dbname=a\nlisten: \(listen)\nupstream: \(upstream)\n")
        #expect(told.contains { $0.hasPrefix("3: 'upstream' is where Doorbell itself listens") } == isLoop, "\(told)")
    }

    @Test("an upstream that is Doorbell's admin port is told, which would be in use")
    func adminLoop() {
        let told = problems("database: dbname=a\nadmin: 127.0.0.1:81\nupstream: http://localhost:81\n")
        #expect(
            told.contains(
                "3: 'upstream' is where Doorbell's admin port listens, 127.0.0.1:81; write where the legacy API listens, or another 'admin'"
            ), "\(told)")
    }

    @Test(
        "wrong values at the top",
        arguments: [
            ("listen: a:65536", "listen: the port 65536 is not from 0 to 65535"),
            ("listen: ::1:80", "listen: '::1:80' is not 'host:port'; write an IPv6 address in brackets, '[::1]:8080'"),
            ("listen: 127.0.0.1:8081", "'listen' and 'admin' are the same address, 127.0.0.1:8081"),
            ("origins: https://a", "origins must be a list, not text"),
            (
                "origins: [a.example]",
                "origins[0]: 'a.example' is not an origin such as 'https://app.example', 'https://*.example.com' or 'null'"
            ),
            ("limits: { connections: 0 }", "limits.connections must be from 1 to 1000000, not 0"),
            (
                "limits: { messageSize: 64 }",
                "limits.messageSize must be a size, not '64'; write a whole number and a unit: '512B', '64KiB', '1MiB'"
            ),
            ("limits: { messageSize: 64MiB }", "limits.messageSize must be from 1KiB to 16MiB, not 64MiB"),
            ("limits: { hartbeat: 1s }", "unknown key 'hartbeat' in limits; did you mean 'heartbeat'?"),
            ("capture: { bell: always }", "capture.bell must be 'auto' or 'never', not 'always'"),
            ("capture: { retention: 1s }", "capture.retention must be from 10s to 7d, not 1s"),
            ("capture: []", "capture must be a mapping ('key: value' lines), not a list"),
        ])
    func top(_ line: String, _ expected: String) {
        #expect(problems(ConfigurationTests.minimal + "\n" + line) == ["7: " + expected])
    }

    private static let secret = "0123456789abcdef0123456789abcdef"
    private static let sources =
        "write one of 'secret: ${JWT_SECRET}', 'pem: FILE', 'jwks: FILE' and 'jwks: https://…'"

    @Test(
        "wrong tokens are told, and no secret is repeated",
        arguments: [
            ("auth: {}", "auth names no keys; \(sources)"),
            ("auth: { secret: a, jwks: b }", "auth has secret and jwks; \(sources)"),
            ("auth: { secret: hunter2 }", "auth: the secret has 7 bytes and needs 32 at least"),
            (
                "auth: { secret: \(secret), algorithms: [HS256, HS512] }",
                "auth: the secret has 32 bytes and needs 64 at least"
            ),
            ("auth: { secret: \(secret), algorithms: [RS256] }", "auth: RS256 needs a public key, not a secret"),
            ("auth: { pem: a, algorithms: [HS256] }", "auth: HS256 needs a secret, not a public key"),
            (
                "auth: { pem: a, algorithms: [none] }",
                "auth.algorithms[0] 'none' is not one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"
            ),
            (
                "auth: { jwks: http://issuer.example/keys }",
                "auth: the key set's URL must begin with 'https://': whoever sits on the way could make tokens"
            ),
            ("auth: { pem: a, required: yes }", "auth.required must be 'true' or 'false', not 'yes'"),
            ("auth: { pem: a, deadline: 1h }", "auth.deadline must be from 1s to 10m, not 1h"),
            (
                "auth: { pem: a, cookie: a b }",
                "auth: the cookie's name is empty or has other bytes than a cookie's name may have"
            ),
            ("auth: { key: a, pem: b }", "unknown key 'key' in auth"),
        ])
    func tokens(_ line: String, _ expected: String) {
        let found = problems(ConfigurationTests.minimal + "\n" + line)
        #expect(found == ["7: " + expected])
        for text in found { #expect(!text.contains("hunter2") && !text.contains(Self.secret)) }
    }

    @Test("claims of tokens that nobody can verify are a mistake, and a secret in the file is remarked on")
    func unverified() throws {
        #expect(
            Orders.problems(Orders.poll + Orders.tables + "authorize: { id: sub }") == [
                "7: features.orders.authorize is by a token's claims, and there is no 'auth'; write 'auth: { secret: ${JWT_SECRET} }', or where the keys are"
            ])
        let written = try ConfigurationTests.read(
            ConfigurationTests.minimal + "\nauth: { secret: \(Self.secret) }", [:])
        #expect(written.warnings.map(\.message) == ["auth.secret stands in the file"])
    }

    @Test("a password in a wrong database text is not repeated")
    func password() {
        let text = ConfigurationTests.minimal.replacing("dbname=app", with: "mysql://u:secret@h/d")
        #expect(
            problems(text) == [
                "1: database is neither a PostgreSQL URL nor 'key=value' text; write 'postgres://user@host/name'"
            ])
    }

    @Test("prices are plain numbers")
    func prices() {
        func wrong(_ prices: String) -> [String] {
            problems(
                "database: dbname=app\nupstream: http://api\ncomparison: { prices: { \(prices) } }\nfeatures:\n  orders:\n"
                    + (Orders.poll + Orders.tables).split(separator: "\n").map { "    \($0)\n" }.joined())
        }
        #expect(wrong("requests: 1.00, traffic: 0, cpu: 1000000, currency: €") == [])
        for (value, text) in [("-1", "-1"), ("nan", "nan"), ("1e3", "1e3"), ("1000001", "1000001"), ("1.2.3", "1.2.3")]
        {
            #expect(
                wrong("cpu: \(value)")
                    == ["3: comparison.prices.cpu must be a number from 0 to 1000000, not '\(text)'"])
        }
        #expect(
            wrong("currency: 'a b'")
                == ["3: comparison.prices.currency must be 1 to 8 letters, not 'a b'; write 'USD'"])
        #expect(wrong("request: 1") == ["3: unknown key 'request' in comparison.prices; did you mean 'requests'?"])
    }
}
