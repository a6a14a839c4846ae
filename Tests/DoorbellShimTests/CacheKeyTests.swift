import DoorbellCore
import DoorbellServer
import NIOHTTP1
import Testing

@testable import DoorbellShim

@Suite struct CacheKeyTests {
    private func key(
        _ uri: String = "/a", _ headers: HTTPHeaders = [:], address: String? = "10.0.0.1", isTLS: Bool = false,
        for identity: Feature.Caching.Identity = .credentials, varying: [String] = []
    ) -> CacheKey {
        CacheKey(
            HTTPRequestHead(version: .http1_1, method: .GET, uri: uri, headers: headers),
            from: RequestOrigin(address: address, isTLS: isTLS), identity: identity, varying: varying)
    }

    @Test(
        "whatever may say who is asking makes another key",
        arguments: [
            ["authorization": "Bearer b"], ["cookie": "s=2"], ["x-api-key": "k"], ["x-user-id": "7"],
            ["x-forwarded-for": "192.0.2.1"], ["user-agent": "other"], ["accept-language": "de"],
            ["Authorization": "Bearer a", "authorization": "Bearer b"],
        ] as [HTTPHeaders])
    func identity(_ headers: HTTPHeaders) {
        #expect(key("/a", headers) != key("/a"))
        #expect(key("/a", headers) == key("/a", headers))
    }

    @Test("another URL, address or scheme is another key; what is new with each request is not")
    func others() {
        #expect(key("/a") != key("/a?"))
        #expect(key(address: "10.0.0.1") != key(address: "10.0.0.2"))
        #expect(key(isTLS: true) != key(isTLS: false))
        let each: HTTPHeaders = [
            "If-None-Match": "\"1\"", "X-Request-ID": "1", "traceparent": "00-1", "Cache-Control": "max-age=0",
            "Referer": "/x", "connection": "keep-alive",
        ]
        #expect(key("/a", each) == key("/a"))
    }

    @Test("parts cannot be shifted from one header into the next, and spellings of one text are two")
    func bytes() {
        #expect(key("/a", ["x-a": "bc", "x-d": ""]) != key("/a", ["x-a": "b", "x-d": "c"]))
        #expect(key("/a", ["x-user": "é"]) != key("/a", ["x-user": "e\u{301}"]))
    }

    @Test(
        "parameters that mean nothing are left out",
        arguments: [
            ("/a", "/a"), ("/a?_=1", "/a"), ("/a?_=1&b=2", "/a?b=2"), ("/a?b=2&_=1&c", "/a?b=2&c"), ("/a?_", "/a"),
            ("/a?__=1", "/a?__=1"), ("/a?b=_", "/a?b=_"), ("/a?", "/a?"), ("/a?b=1&&_=2", "/a?b=1&"),
        ])
    func ignored(_ target: String, _ expected: String) {
        #expect(CacheKey.target(target, without: ["_"]) == expected)
    }

    @Test(
        "what says where a request was sent makes another key for a public answer, and who sent it does not",
        arguments: [
            ("X-Forwarded-Host", "evil", true), ("x_forwarded_host", "evil", true), ("X-Forwarded-Proto", "http", true),
            ("X-Forwarded-Anything", "1", true), ("X-Original-URL", "/b", true), ("X-Rewrite-URL", "/b", true),
            ("X-HTTP-Method-Override", "DELETE", true), ("X-Host", "evil", true), ("Front-End-Https", "on", true),
            ("X-Forwarded-For", "192.0.2.1", false), ("X-Real-IP", "192.0.2.1", false),
            ("X-Forwarded-User", "a", false),
            ("Forwarded", "for=192.0.2.1", false), ("Forwarded", "For=\"[2001:db8::1]:80\"; by=_a, for=b", false),
            ("Forwarded", "for=192.0.2.1;host=evil", true), ("Forwarded", "for=a, for=b;proto=http", true),
            ("Forwarded", "for=\"a;host=evil\"", true), ("Forwarded", "for=a b=c", true), ("forwarded", "\"", true),
        ])
    func place(_ name: String, _ value: String, _ isAnother: Bool) {
        let given: HTTPHeaders = ["host": "shop.test", name: value]
        let plain: HTTPHeaders = ["host": "shop.test"]
        #expect((key("/a", given, for: .public) != key("/a", plain, for: .public)) == isAnother)
        #expect(key("/a", given) != key("/a", plain), "who asks for itself is told apart by everything")
        #expect(key("/a", given, for: .public) == key("/a", given, for: .public))
    }

    @Test("two readers of a Forwarded never see two hosts behind one key")
    func forwarded() {
        func key(_ value: String) -> CacheKey { self.key("/a", ["forwarded": value], for: .public) }
        #expect(key("for=\"a;host=evil\"") != key("for=a;host=evil\""))
        #expect(key("for=1;host=a") == key("for=2;host=a") && key("for=1;host=a") != key("for=1;host=b"))
    }

    @Test("for a public answer only what is negotiated counts")
    func everybody() {
        let a = key("/a", ["authorization": "a", "cookie": "a", "user-agent": "a"], address: "1", for: .public)
        let b = key("/a", ["authorization": "b", "cookie": "b", "user-agent": "b"], address: "2", for: .public)
        #expect(a == b)
        for name in ["host", "accept", "accept-encoding", "accept-language", "origin", "x-api-version"] {
            #expect(key("/a", HTTPHeaders([(name, "1")]), for: .public) != key("/a", for: .public), "\(name)")
        }
        let varying = { cookie in self.key("/a", ["cookie": cookie], for: .public, varying: ["cookie"]) }
        #expect(varying("a") != varying("b") && varying("a") == varying("a"))
    }
}
