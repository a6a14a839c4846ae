import NIOHTTP1
import Testing

@testable import DoorbellAuth

@Suite struct OriginPolicyTests {
    private func decide(
        _ allowed: [String], _ origin: String, host: String = "app.example", tls: Bool = false, proto: String? = nil
    ) throws -> OriginPolicy.Decision {
        var configuration = OriginConfiguration()
        configuration.allowed = allowed
        configuration.trustsForwardedProto = proto != nil
        var headers: HTTPHeaders = ["host": host, "origin": origin]
        if let proto, !proto.isEmpty { headers.add(name: "x-forwarded-proto", value: proto) }
        return try OriginPolicy(configuration).decide(headers, isTLS: tls)
    }

    @Test("a request without Origin does not come from a page; two Origins come from nobody that we know")
    func count() throws {
        let policy = OriginPolicy.sameHost
        #expect(policy.decide(["host": "a"], isTLS: false) == .allowed)
        let two = HTTPHeaders([("host", "a"), ("origin", "http://a"), ("origin", "http://a")])
        #expect(policy.decide(two, isTLS: false) == .refused(.malformed))
    }

    @Test(
        "without a list, pages of the same host may connect",
        arguments: [
            ("https://app.example", "app.example", true), ("http://app.example", "app.example", true),
            ("HTTPS://App.Example", "APP.example", true), ("https://app.example:443", "app.example", true),
            ("https://app.example", "app.example:443", true), ("http://app.example:8080", "app.example:8080", true),
            ("http://[::1]:8080", "[::1]:8080", true), ("http://app.example:80", "app.example", true),
            ("https://app.example", "app.example:80", false), ("https://app.example:8443", "app.example", false),
            ("https://evil.example", "app.example", false), ("https://app.example.evil", "app.example", false),
            ("https://xapp.example", "app.example", false), ("ftp://app.example", "app.example", false),
            ("https://app.example", "app.example, x", false), ("https://app.example", "", false),
        ])
    func same(_ origin: String, _ host: String, _ isAllowed: Bool) throws {
        #expect(try decide([], origin, host: host) == (isAllowed ? .allowed : .refused(.notSame)))
    }

    @Test("the scheme is compared over TLS, and behind a proxy that is trusted to tell it")
    func scheme() throws {
        #expect(try decide([], "http://app.example", tls: true) == .refused(.notSame))
        #expect(try decide([], "https://app.example", tls: true) == .allowed)
        #expect(try decide([], "https://app.example", proto: "HTTPS") == .allowed)
        #expect(try decide([], "http://app.example", proto: "https") == .refused(.notSame))
        #expect(try decide([], "https://app.example", proto: "http") == .refused(.notSame))
        #expect(try decide([], "https://app.example", proto: "https, http") == .refused(.notSame))
        // The proxy did not tell: what we see ourselves counts.
        #expect(try decide([], "https://app.example", proto: "") == .refused(.notSame))
        #expect(try decide([], "http://app.example", proto: "") == .allowed)
        var headers: HTTPHeaders = ["host": "a", "origin": "https://a", "x-forwarded-proto": "http"]
        // Not trusted, so not looked at.
        #expect(OriginPolicy.sameHost.decide(headers, isTLS: false) == .allowed)
        headers.add(name: "x-forwarded-proto", value: "https")
        var configuration = OriginConfiguration()
        configuration.trustsForwardedProto = true
        #expect(try OriginPolicy(configuration).decide(headers, isTLS: false) == .refused(.notSame))
    }

    @Test(
        "a list is the only rule, whatever the host",
        arguments: [
            ("https://app.example", true), ("HTTPS://APP.EXAMPLE:443", true), ("http://app.example", false),
            ("https://app.example:444", false), ("https://a.shop.example", true), ("https://a.b.shop.example", true),
            ("https://shop.example", false), ("https://ashop.example", false), ("http://a.shop.example", false),
            ("https://a.shop.example:444", false), ("https://a.shop.example.evil", false),
            ("https://.shop.example", false),
            ("https://a..shop.example", false), ("http://x.dev.example:8080", true), ("capacitor://localhost", true),
            ("https://app.example.", false), ("null", false),
        ])
    func list(_ origin: String, _ isAllowed: Bool) throws {
        let list = [
            "https://App.example", "https://*.shop.example", "http://*.dev.example:8080", "capacitor://localhost",
        ]
        #expect(try (decide(list, origin, host: "shop.example") == .allowed) == isAllowed)
    }

    @Test("null is allowed only by name")
    func null() throws {
        #expect(try decide([], "null") == .refused(.notSame))
        #expect(try decide(["https://a.example"], "null") == .refused(.notListed))
        #expect(try decide(["null"], "null") == .allowed)
        #expect(try decide(["null"], "https://app.example") == .refused(.notListed))
    }

    @Test(
        "what no browser writes is refused",
        arguments: [
            "", " ", "https://", "app.example", "//app.example", "https:app.example", "https://app.example/",
            "https://app.example?x", "https://app.example#", "https://u@app.example", "https://app.example@evil",
            "https://app.example:", "https://app.example:0", "https://app.example:065", "https://app.example:65536",
            "https://app.example:99999999999999999999", "https://app example", "https://app.example\u{0}",
            "https://é.example",
            "https://app.example https://app.example", "https://*.example", "https://[::1", "https://[]", "https://[g]",
            "https://app_.exa%6dple", "h\u{0}ttps://app.example", "NULL", "Null",
            "https://" + String(repeating: "a.", count: 300) + "example",
            "https://" + String(repeating: "a", count: 64),
        ])
    func hostile(_ origin: String) throws {
        #expect(try decide(["https://app.example", "https://*.exa.mple"], origin) == .refused(.malformed))
        #expect(try decide([], origin) == .refused(.malformed))
    }

    @Test(
        "lists that are not what somebody meant are refused with a sentence",
        arguments: [
            "*", "https://*", "https://*.com", "https://a.*.example", "https://*a.example", "*.example.com",
            "https://app.example/", "https://bücher.example", "app.example", "", "https://*.*.example",
        ])
    func syntax(_ text: String) {
        var configuration = OriginConfiguration()
        configuration.allowed = [text]
        #expect(throws: OriginPolicy.SyntaxError.self) { try OriginPolicy(configuration) }
    }
}
