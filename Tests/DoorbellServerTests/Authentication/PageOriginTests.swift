import DoorbellAuth
import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellServer

/// Which pages may connect, by each way in.
@Suite struct PageOriginTests {
    func answer(
        _ server: TestServer, _ method: String, _ path: String, _ headers: [String] = []
    ) async throws -> HTTPAnswer {
        let raw = try await RawClient(port: server.port)
        let length = method == "POST" ? ["Content-Length: 0"] : []
        try await raw.send(
            (["\(method) \(path) HTTP/1.1", "Host: doorbell.test"] + length + headers).joined(separator: "\r\n")
                + "\r\n\r\n")
        let answer = try await raw.answer()
        await raw.close()
        return answer
    }

    @Test(
        "a list of origins counts for sockets, streams and tickets alike",
        arguments: [
            ("https://app.example", true), ("https://APP.example:443", true), ("https://a.b.shop.example", true),
            ("https://shop.example", false), ("http://app.example", false), ("https://app.example:8443", false),
            ("https://app.example.evil.example", false), ("https://doorbell.test", false), ("null", false),
            ("nonsense", false),
        ])
    func matrix(_ origin: String, _ isAllowed: Bool) async throws {
        let origins = try allowing("https://app.example", "https://*.shop.example")
        try await withServer([try TestFeatures.news()]) {
            $0.origins = origins
        } _: { server in
            let header = "Origin: \(origin)"
            let raw = try await RawClient(port: server.port)
            try await raw.send(WebSocketProbe.handshake(headers: [header]))
            #expect(try await raw.answer().status == (isAllowed ? 101 : 403))
            let ticket = try await answer(server, "POST", "/_doorbell/ticket", [header, "Cookie: sid=1"])
            #expect(ticket.status == (isAllowed ? 200 : 403))
            #expect(ticket["access-control-allow-origin"] == (isAllowed ? origin : nil))
            // Names nothing, which is found out after the origin.
            let events = try await answer(server, "GET", "/_doorbell/sse", [header])
            #expect(events.status == (isAllowed ? 400 : 403))
        }
    }

    @Test("a preflight from a listed page is answered with what it may do, from another one refused")
    func preflight() async throws {
        let origins = try allowing("https://app.example")
        try await withServer([try TestFeatures.news()]) {
            $0.origins = origins
        } _: { server in
            let asked = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization"]
            for (path, methods) in [("/_doorbell/ticket", "POST, OPTIONS"), ("/_doorbell/sse", "GET, OPTIONS")] {
                let mine = try await answer(server, "OPTIONS", path, ["Origin: https://app.example"] + asked)
                #expect(mine.status == 204 && mine["access-control-allow-origin"] == "https://app.example")
                #expect(mine["access-control-allow-credentials"] == "true")
                #expect(mine["access-control-allow-methods"] == methods)
                #expect(mine["access-control-allow-headers"] == "authorization")
                #expect(mine.all("vary") == ["Origin, Access-Control-Request-Headers"])
                let other = try await answer(server, "OPTIONS", path, ["Origin: https://evil.example"] + asked)
                #expect(other.status == 403 && other["access-control-allow-origin"] == nil)
                let none = try await answer(server, "OPTIONS", path)
                #expect(none.status == 204 && none["access-control-allow-origin"] == nil)
            }
        }
    }

    @Test("a page that may connect may read why it is refused")
    func readable() async throws {
        let tokens = TestTokens()
        let origins = try allowing("https://app.example")
        try await withTokens([try TestFeatures.orders()], tokens) {
            $0.isRequired = true
        } configure: {
            $0.origins = origins
        } _: { server in
            for (method, path) in [
                ("POST", "/_doorbell/ticket"), ("GET", "/_doorbell/sse?channel=news"),
                ("GET", "/_doorbell/sse?channel=news&ticket=x"),
            ] {
                let refused = try await answer(server, method, path, ["Origin: https://app.example"])
                #expect(refused.status == 401 || refused.status == 400)
                #expect(refused["access-control-allow-origin"] == "https://app.example", "\(path)")
            }
        }
    }
}
