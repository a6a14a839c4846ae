import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct ProxyTests {
    @Test("a request passes with its method, target, headers and body, and the answer with its own")
    func passes() async throws {
        let legacy = try await LegacyServer { request in
            .reply(.created, ["x-a": "1", "set-cookie": "a=b", "content-type": "text/plain"], "body")
        }
        try await withShim(legacy) { shim in
            let answer = try await shim.request(
                "PATCH /a/b%2Fc?x=%20&y HTTP/1.1\r\nHost: shop.test:81\r\nCookie: k=v\r\nX-Twice: 1\r\nX-Twice: 2\r\n"
                    + "Content-Length: 3\r\n\r\nabc")
            #expect(answer.status == 201)
            #expect(answer.text == "body")
            #expect(answer["x-a"] == "1")
            #expect(answer["set-cookie"] == "a=b")
            let request = try #require(legacy.requests.first)
            #expect(request.head.method == .PATCH)
            #expect(request.head.uri == "/a/b%2Fc?x=%20&y")
            #expect(request.head.headers["host"] == ["shop.test:81"])
            #expect(request.head.headers["cookie"] == ["k=v"])
            #expect(request.head.headers["x-twice"] == ["1", "2"])
            #expect(request.bodySize == 3)
        }
    }

    @Test("hop-by-hop headers stay on their hop, both ways, also those that Connection names")
    func hopByHop() async throws {
        let legacy = try await LegacyServer { _ in
            .reply(
                .ok, ["connection": "X-Internal", "x-internal": "1", "keep-alive": "timeout=5", "x-kept": "1"], "ok")
        }
        try await withShim(legacy) { shim in
            let answer = try await shim.get(
                "/",
                headers: ["Connection: keep-alive, X-Secret", "X-Secret: 1", "TE: trailers", "Proxy-Connection: x"])
            #expect(answer["x-internal"] == nil)
            #expect(answer["keep-alive"] == nil)
            #expect(answer["x-kept"] == "1")
            let headers = try #require(legacy.requests.first).head.headers
            for name in ["x-secret", "te", "proxy-connection"] { #expect(!headers.contains(name: name), "\(name)") }
        }
    }

    @Test("the legacy API learns who asked: forwarded headers are added to those of proxies before us")
    func forwarded() async throws {
        let legacy = try await LegacyServer { _ in .reply(.ok) }
        try await withShim(legacy) { shim in
            _ = try await shim.get("/", headers: ["X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: https"])
            let headers = try #require(legacy.requests.first).head.headers
            #expect(headers["x-forwarded-for"] == ["10.0.0.9, 127.0.0.1"])
            #expect(headers["x-forwarded-proto"] == ["https"])
            #expect(headers["x-forwarded-host"] == ["shop.test"])
            #expect(headers["forwarded"] == ["for=127.0.0.1;host=shop.test;proto=http"])
        }
    }

    @Test("answers without a body: HEAD keeps its length, 204 and 304 have none, and the connection goes on")
    func bodiless() async throws {
        let legacy = try await LegacyServer { request in
            switch request.head.uri {
            case "/204": .reply(.noContent, ["x-a": "1"])
            case "/304": .reply(.notModified, ["etag": "\"e\""])
            default: .reply(.ok, [:], "twelve bytes")
            }
        }
        try await withShim(legacy) { shim in
            let raw = try await RawClient(port: shim.port)
            try await raw.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
            let head = try await raw.answer(toHead: true)
            #expect(head["content-length"] == "12")
            for (path, status) in [("/204", 204), ("/304", 304)] {
                try await raw.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                let answer = try await raw.answer()
                #expect(answer.status == status)
                #expect(answer["transfer-encoding"] == nil)
            }
            try await raw.send("GET /after HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await raw.answer().text == "twelve bytes")
        }
    }

    @Test("redirects and compressed bodies pass as they are")
    func untouched() async throws {
        let legacy = try await LegacyServer { request in
            request.head.uri == "/redirect"
                ? .reply(.found, ["location": "/elsewhere"])
                : .reply(.ok, ["content-encoding": "gzip"], "not really gzip")
        }
        try await withShim(legacy) { shim in
            let redirect = try await shim.get("/redirect")
            #expect(redirect.status == 302)
            #expect(redirect["location"] == "/elsewhere")
            let compressed = try await shim.get("/gzip", headers: ["Accept-Encoding: gzip"])
            #expect(compressed.text == "not really gzip")
            let asked = legacy.requests.last?.head.headers["accept-encoding"]
            #expect(asked == ["gzip"])
            #expect(legacy.requests.count == 2)
        }
    }

    @Test(
        "targets pass byte for byte when they are in RFC 3986's alphabet",
        arguments: [
            "/", "//", "//a//b", "/a/../b/./c", "/a;p=1,2", "/%2e%2E/%00", "/a?", "/a??b=?", "/a?b=/c/&d=%20+e",
            "/a:b@c!$&'()*",
            "/.well-known/x~y_z-1", "/?x[]=1".replacing("[]", with: "%5B%5D"),
        ])
    func targets(target: String) async throws {
        let legacy = try await LegacyServer { _ in .reply(.ok) }
        try await withShim(legacy) { shim in
            let answer = try await shim.get(target)
            #expect(answer.status == 200)
            #expect(legacy.requests.first?.head.uri == target)
        }
    }

    @Test("unknown methods pass, as far as the parser knows them")
    func methods() async throws {
        let legacy = try await LegacyServer { request in .reply(.ok, [:], request.head.method.rawValue) }
        try await withShim(legacy) { shim in
            for method in ["DELETE", "OPTIONS", "PROPFIND", "PURGE", "REPORT"] {
                let answer = try await shim.request("\(method) /x HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(answer.text == method)
            }
        }
    }

    @Test("100-continue is answered when the legacy API takes the body")
    func expectContinue() async throws {
        let legacy = try await LegacyServer { request in .reply(.ok, [:], "\(request.bodySize)") }
        try await withShim(legacy) { shim in
            let raw = try await RawClient(port: shim.port)
            try await raw.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            #expect(try await raw.answer().status == 100)
            try await raw.send("12345")
            #expect(try await raw.answer().text == "5")
            #expect(legacy.requests.first?.head.headers.contains(name: "expect") == false)
        }
    }

    @Test("keep-alive: requests of one client use one connection to the legacy API")
    func keepAlive() async throws {
        let legacy = try await LegacyServer { request in .reply(.ok, [:], request.head.uri) }
        try await withShim(legacy) {
            $0.idleTimeout = .minutes(5)
        } _: { shim in
            let raw = try await RawClient(port: shim.port)
            for index in 0..<20 {
                try await raw.send("GET /\(index) HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await raw.answer().text == "/\(index)")
            }
            #expect(legacy.connections == 1)
        }
    }

    @Test("no more connections to the legacy API than allowed; who waits gets a turn, who is too many 503")
    func bounded() async throws {
        let legacy = try await LegacyServer { request in
            request.head.uri == "/hang" ? .silence : .reply(.ok)
        }
        try await withShim(legacy) {
            $0.maximumRequests = 2  // one a loop
            $0.maximumWaiting = 2
            $0.waitTimeout = .milliseconds(300)
        } _: { shim in
            var clients: [RawClient] = []
            for _ in 0..<12 {
                let client = try await RawClient(port: shim.port)
                try await client.send("GET /hang HTTP/1.1\r\nHost: h\r\n\r\n")
                clients.append(client)
            }
            var refused = 0
            try await eventually("ten are refused") {
                refused = clients.count { $0.text.hasPrefix("HTTP/1.1 503") }
                return refused == 10
            }
            #expect(legacy.connections == 2)
            for client in clients { await client.close() }
            try await eventually("there is a place again") { try await shim.get("/").status == 200 }
        }
    }
}
