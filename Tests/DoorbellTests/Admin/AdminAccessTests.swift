import Testing

@testable import Doorbell

/// Who may read and who may change something on the admin port.
@Suite struct AdminAccessTests {
    static let secret = "0123456789abcdef-token"
    private let local = ListenAddress(host: "127.0.0.1", port: 8081)
    private let everywhere = ListenAddress(host: "0.0.0.0", port: 8081)

    private func access(_ address: ListenAddress, token: Bool = true) -> AdminAccess {
        AdminAccess(address: address, token: token ? AdminToken(Self.secret) : nil)
    }

    private func request(
        host: String? = "127.0.0.1:8081", origin: String? = nil, site: String? = nil, token: String? = nil,
        type: String? = "application/json"
    ) -> AdminAccess.Request {
        AdminAccess.Request(
            host: host, origin: origin, fetchSite: site, authorization: token.map { "Bearer " + $0 }, contentType: type)
    }

    private func code(_ decision: AdminAccess.Decision) -> String {
        switch decision {
        case .allowed(let hasToken): hasToken ? "token" : "open"
        case .refused(let refusal): "\(refusal.status) \(refusal.code)"
        }
    }

    @Test("on this machine everybody may read, and nobody may act without the token")
    func loopback() {
        let access = access(local)
        #expect(code(access.read(request())) == "open")
        #expect(code(access.read(request(token: Self.secret))) == "token")
        #expect(code(access.read(request(token: "0123456789abcdef-tokeN"))) == "401 wrong_token")
        #expect(code(access.act(request())) == "401 token_missing")
        #expect(code(access.act(request(token: "wrong"))) == "401 wrong_token")
        #expect(code(access.act(request(token: Self.secret))) == "token")
    }

    @Test("without a token in the configuration nothing can be changed, whatever is sent")
    func readOnly() {
        let access = access(local, token: false)
        #expect(code(access.read(request())) == "open")
        #expect(code(access.read(request(token: "anything"))) == "open")
        #expect(code(access.act(request())) == "403 no_token_configured")
        #expect(code(access.act(request(token: "anything"))) == "403 no_token_configured")
    }

    @Test("beyond this machine reading needs the token, too, and is closed where there is none")
    func network() {
        #expect(code(access(everywhere).read(request())) == "401 token_missing")
        #expect(code(access(everywhere).read(request(host: "admin.example", token: Self.secret))) == "token")
        #expect(code(access(everywhere, token: false).read(request())) == "403 no_token_configured")
        for host in ["10.0.0.1", "::", "admin.example", "127.0.0.1.example", "127.0.0.256", "127.1"] {
            #expect(!ListenAddress(host: host, port: 1).isLoopback)
        }
        for host in ["127.0.0.1", "127.8.0.1", "::1", "localhost", "LOCALHOST"] {
            #expect(ListenAddress(host: host, port: 1).isLoopback)
        }
    }

    @Test(
        "a name that somebody else may point at this machine opens nothing",
        arguments: [
            ("127.0.0.1:8081", "open"), ("localhost", "open"), ("LocalHost:9", "open"), ("[::1]:8081", "open"),
            ("192.0.2.7:8081", "open"), ("evil.example:8081", "403 unknown_host"),
            ("127.0.0.1.evil.example", "403 unknown_host"), ("localhost.evil.example", "403 unknown_host"),
            ("[evil]", "403 unknown_host"), ("", "403 unknown_host"), (nil, "403 unknown_host"),
        ] as [(String?, String)])
    func rebinding(_ host: String?, _ expected: String) {
        #expect(code(access(local).read(request(host: host))) == expected)
        // Their page cannot know the token.
        #expect(code(access(local).read(request(host: host, token: Self.secret))) == "token")
    }

    @Test("pages of other sites can neither read nor act, even with the token")
    func otherSites() {
        let access = access(local)
        for site in ["cross-site", "same-site", "Cross-Site", "odd"] {
            #expect(code(access.read(request(site: site))) == "403 other_site")
            #expect(code(access.act(request(site: site, token: Self.secret))) == "403 other_site")
        }
        for site in ["same-origin", "none"] {
            #expect(code(access.act(request(site: site, token: Self.secret))) == "token")
        }
        for origin in ["http://127.0.0.1:8081", "https://127.0.0.1:8081"] {
            #expect(code(access.act(request(origin: origin, token: Self.secret))) == "token")
        }
        for origin in ["http://evil.example", "null", "http://127.0.0.1:8082", "http://127.0.0.1", ""] {
            #expect(code(access.act(request(origin: origin, token: Self.secret))) == "403 other_site")
        }
    }

    @Test("a body that a form could send is no JSON")
    func forms() {
        let access = access(local)
        for type in ["application/json; charset=utf-8", "Application/JSON"] {
            #expect(code(access.act(request(token: Self.secret, type: type))) == "token")
        }
        for type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", nil] {
            #expect(code(access.act(request(token: Self.secret, type: type))) == "415 not_json")
        }
    }

    @Test("a token is 16 visible characters at least, and never shows itself")
    func token() {
        #expect(AdminToken("0123456789abcde") == nil)
        #expect(AdminToken("0123456789 abcdef") == nil)
        #expect(AdminToken("0123456789abcdeé") == nil)
        #expect(AdminToken(String(repeating: "a", count: 513)) == nil)
        guard let token = AdminToken(Self.secret) else { return #expect(Bool(false), "it is a token") }
        #expect("\(token) \(String(reflecting: token))" == "<secret> <secret>")
        #expect(token.matches(Self.secret) && !token.matches(Self.secret + "x") && !token.matches(""))
        #expect(token.authorization == "Bearer " + Self.secret)
    }
}
