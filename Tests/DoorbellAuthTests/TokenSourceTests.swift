import DoorbellCore
import NIOHTTP1
import Testing

@testable import DoorbellAuth

@Suite struct TokenSourceTests {
    private static let ticket = "ticket." + Base64URL.encode([UInt8](repeating: 9, count: 32))

    private func find(
        _ headers: HTTPHeaders = [:], _ target: String = "/_doorbell/ws", cookie: String? = nil, query: Bool = false
    ) throws(TokenSource.Refusal) -> TokenSource.Found {
        var configuration = TokenSourceConfiguration()
        configuration.cookie = cookie
        configuration.allowsQueryToken = query
        return try TokenSource(configuration).find(headers: headers, target: target)
    }

    private func token(_ found: TokenSource.Found) -> String? {
        switch found.credential {
        case .none: nil
        case .token(let text, let place): "\(place):\(text)"
        case .ticket(let text): "ticket:\(text)"
        }
    }

    @Test("a token is found in each place, and the first place counts")
    func places() throws {
        #expect(token(try find()) == nil)
        #expect(token(try find(["Authorization": "Bearer a.b.c"])) == "authorization:a.b.c")
        #expect(token(try find(["authorization": "bEARER   a.b.c "])) == "authorization:a.b.c")
        #expect(token(try find(["authorization": "Basic dXNlcg=="])) == nil)
        #expect(token(try find(["cookie": "x=1; session=a.b.c"], cookie: "session")) == "cookie:a.b.c")
        #expect(token(try find(["cookie": "session=a.b.c"])) == nil)
        let found = try find(["sec-websocket-protocol": "doorbell.v1, bearer.a.b.c, doorbell.since.7"])
        #expect(token(found) == "subprotocol:a.b.c")
        #expect(found.subprotocols == ["doorbell.v1", "doorbell.since.7"])
        #expect(token(try find([:], "/_doorbell/ws?ticket=\(Self.ticket)")) == "ticket:\(Self.ticket)")
        #expect(token(try find([:], "/_doorbell/ws?token=a.b.c")) == nil)
        #expect(token(try find([:], "/_doorbell/ws?token=a.b.c", query: true)) == "query:a.b.c")
        let both: HTTPHeaders = ["authorization": "Bearer a.b.c", "cookie": "s=a.b.c"]
        #expect(token(try find(both, "/x?token=a.b.c", cookie: "s", query: true)) == "authorization:a.b.c")
    }

    @Test("two credentials that differ are refused, wherever they stand")
    func conflicts() {
        let cases: [(HTTPHeaders, String)] = [
            (["authorization": "Bearer a", "cookie": "s=b"], "/"),
            (["cookie": "s=a; s=b"], "/"),
            (["sec-websocket-protocol": "doorbell.v1, bearer.a, bearer.b"], "/"),
            (["cookie": "s=a"], "/?token=b"), ([:], "/?token=a&token=b"), ([:], "/?token=a&%74oken=b"),
            (["cookie": "s=a"], "/?ticket=\(Self.ticket)"), ([:], "/_doorbell/ws?ticket=\(Self.ticket)&ticket=x"),
        ]
        for (headers, target) in cases {
            #expect(throws: TokenSource.Refusal.conflict, "\(target)") {
                try self.find(headers, target, cookie: "s", query: true)
            }
        }
    }

    @Test("what is no token is refused without being shown")
    func malformed() {
        let cases: [(HTTPHeaders, String, TokenSource.Refusal)] = [
            (["authorization": "Bearer"], "/", .malformed(.authorization)),
            (["authorization": "Bearer a b"], "/", .malformed(.authorization)),
            (["authorization": "Bearer a\"b"], "/", .malformed(.authorization)),
            (["authorization": "Bearer é"], "/", .malformed(.authorization)),
            (
                HTTPHeaders([("authorization", "Bearer a"), ("authorization", "Bearer a")]), "/",
                .malformed(.authorization)
            ),
            (
                HTTPHeaders([("authorization", "Basic a"), ("authorization", "Bearer a")]), "/",
                .malformed(.authorization)
            ),
            (["cookie": "s=a b"], "/", .malformed(.cookie)),
            (["sec-websocket-protocol": "doorbell.v1, bearer."], "/", .malformed(.subprotocol)),
            (["sec-websocket-protocol": "bearer.a"], "/", .subprotocolAlone),
            ([:], "/?token=", .malformed(.query)), ([:], "/?token", .malformed(.query)),
            ([:], "/?token=%zz", .malformed(.query)), ([:], "/?token=a%00", .malformed(.query)),
            ([:], "/_doorbell/ws?ticket=x", .malformedTicket), ([:], "/_doorbell/ws?ticket", .malformedTicket),
            (["authorization": "Bearer " + String(repeating: "a", count: 8193)], "/", .tooLong(.authorization)),
        ]
        for (headers, target, refusal) in cases {
            #expect(throws: refusal, "\(target) \(refusal)") {
                try self.find(headers, target, cookie: "s", query: true)
            }
        }
    }

    @Test("targets are logged without credentials, and passed on without what was for Doorbell")
    func targets() throws {
        let cases: [(String, Bool, String, String)] = [
            ("/a", false, "/a", "/a"), ("/a?", false, "/a?", "/a?"), ("/a?b=1&c", false, "/a?b=1&c", "/a?b=1&c"),
            ("/a?token=x&b=1", false, "/a?token=REDACTED&b=1", "/a?token=x&b=1"),
            ("/a?token=x&b=1", true, "/a?token=REDACTED&b=1", "/a?b=1"),
            ("/a?b=%20&token=x", true, "/a?b=%20&token=REDACTED", "/a?b=%20"),
            ("/a?token=x", true, "/a?token=REDACTED", "/a"),
            ("/a?TOKEN=x", true, "/a?TOKEN=REDACTED", "/a?TOKEN=x"),
            ("/a?%74oken=x", true, "/a?%74oken=REDACTED", "/a"),
            // A parameter of the legacy API.
            ("/a?ticket=17", false, "/a?ticket=REDACTED", "/a?ticket=17"),
            ("/a?ticket=\(Self.ticket)&z", false, "/a?ticket=REDACTED&z", "/a?z"),
        ]
        for (target, query, logged, legacy) in cases {
            let found = try find([:], target, query: query)
            #expect(found.loggedTarget == logged)
            #expect(found.legacyTarget == legacy)
        }
    }

    @Test(
        "cookies are read as RFC 6265 says, hostile ones too",
        arguments: [
            ("s=a", ["a"]), ("s=\"a\"", ["a"]), ("  s = a ;x", ["a"]), ("S=a", []), ("xs=a; s", []), ("s=", [""]),
            ("s==a=b", ["=a=b"]), ("s=a; s=a", ["a"]), ("s=a; s=b", ["a", "b"]), (";;;=;=s;s=a;", ["a"]),
            ("s=\"", ["\""]), ("s=\"\"", [""]), ("", []), ("s=\u{0}", ["\u{0}"]), ("x=\"; s=a; \"", ["a"]),
        ])
    func cookies(_ header: String, _ values: [String]) {
        #expect(CookieHeader.values(of: "s", in: [header]) == values)
    }

    @Test("a cookie may come in pieces, and a header of a hundred thousand pairs costs no more than its length")
    func manyCookies() {
        #expect(CookieHeader.values(of: "s", in: ["a=1", "s=x"]) == ["x"])
        let long = String(repeating: "a=b;", count: 100_000) + "s=x"
        #expect(CookieHeader.values(of: "s", in: [long]) == ["x"])
    }

    @Test("random requests never show a credential in the target for logs")
    func random() {
        var generator = SplitMix(state: 7)
        let pieces = ["token", "ticket", "=", "&", "?", "%74", "%", "SECRET", "a", "/", Self.ticket, "TOKEN", ";"]
        for _ in 0..<5000 {
            let query = (0..<Int.random(in: 0..<8, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }
            let target = "/p?token=SECRET&" + query.joined().replacing("SECRET", with: "x") + "&ticket=SECRET"
            guard let found = try? find([:], target, query: true) else { continue }
            #expect(!found.loggedTarget.contains("SECRET"), "\(target)")
        }
    }
}
