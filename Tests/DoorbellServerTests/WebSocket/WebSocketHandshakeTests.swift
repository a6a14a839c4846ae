import DoorbellCore
import DoorbellServer
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct WebSocketHandshakeTests {
    /// The answer to a handshake with these headers added, or with lines replaced.
    func answer(
        _ server: TestServer, headers: [String] = [], replacing: String = "", with text: String = ""
    ) async throws -> HTTPAnswer {
        let raw = try await RawClient(port: server.port)
        var request = WebSocketProbe.handshake(headers: headers)
        if let range = request.firstRange(of: replacing), !replacing.isEmpty {
            request.replaceSubrange(range, with: text)
        }
        try await raw.send(request)
        let answer = try await raw.answer()
        await raw.close()
        return answer
    }

    @Test("the accept key is the one of RFC 6455, and no subprotocol is echoed unless ours is offered")
    func accept() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let plain = try await answer(server)
            #expect(plain.status == 101)
            #expect(plain["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(plain["sec-websocket-protocol"] == nil)
            let ours = try await answer(server, headers: ["Sec-WebSocket-Protocol: other, doorbell.v1"])
            #expect(ours["sec-websocket-protocol"] == "doorbell.v1")
            let others = try await answer(server, headers: ["Sec-WebSocket-Protocol: chat, soap"])
            #expect(others.status == 101)
            #expect(others["sec-websocket-protocol"] == nil)
        }
    }

    @Test(
        "compression is agreed on where it is switched on, in a form that the client offered",
        arguments: [
            ("permessage-deflate", ""),
            ("permessage-deflate; client_max_window_bits", ""),
            ("x-webkit-deflate-frame, permessage-deflate; server_no_context_takeover", ""),
            ("permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=12"),
            ("permessage-deflate; server_max_window_bits=10", "; server_max_window_bits=9"),
            ("permessage-deflate; server_max_window_bits=8, permessage-deflate", ""),
            ("permessage-deflate; nonsense", nil), ("permessage-deflate; server_max_window_bits=8", nil),
            ("permessage-bzip2", nil), ("", nil),
        ] as [(String, String?)])
    func compression(offer: String, parameters: String?) async throws {
        try await withServer([try TestFeatures.notifications()]) {
            $0.compression = true
        } _: { server in
            let answer = try await answer(server, headers: ["Sec-WebSocket-Extensions: \(offer)"])
            #expect(answer.status == 101)
            let base = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            #expect(answer["sec-websocket-extensions"] == parameters.map { base + $0 })
        }
    }

    @Test("compression is off by default; extensions without the form of the RFC are refused, on or off")
    func extensions() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let plain = try await answer(server, headers: ["Sec-WebSocket-Extensions: permessage-deflate"])
            #expect(plain.status == 101 && plain["sec-websocket-extensions"] == nil)
            for bad in [
                "permessage-deflate; =1", "a b", "x; y=\"", "@",
                Array(repeating: "x", count: 17).joined(separator: ","),
            ] {
                #expect(try await answer(server, headers: ["Sec-WebSocket-Extensions: \(bad)"]).status == 400, "\(bad)")
            }
        }
    }

    @Test("handshakes that are not in order are refused before the upgrade")
    func refused() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let old = try await answer(server, replacing: "Version: 13", with: "Version: 8")
            #expect(old.status == 426)
            #expect(old["sec-websocket-version"] == "13")
            let key = try await answer(server, replacing: WebSocketProbe.key, with: "short")
            #expect(key.status == 400)
            let plain = try await answer(server, replacing: "Upgrade: websocket\r\n")
            #expect(plain.status == 426)
            #expect(plain["upgrade"] == "websocket")
            #expect(plain["content-type"] == "application/problem+json")
        }
    }

    /// The status that a page of each origin gets.
    func statuses(_ server: TestServer, origins: [[String]]) async throws -> [Int] {
        var statuses: [Int] = []
        for origin in origins {
            statuses.append(try await answer(server, headers: origin.map { "Origin: " + $0 }).status)
        }
        return statuses
    }

    @Test("pages of the same host may connect, others may not")
    func sameOrigin() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let statuses = try await statuses(
                server,
                origins: [
                    ["https://doorbell.test"], ["https://evil.test"], ["https://doorbell.test.evil.test"], ["null"],
                    ["https://doorbell.test", "https://evil.test"],
                ])
            #expect(statuses == [101, 403, 403, 403, 403])
        }
    }

    @Test("an allow-list takes the place of the same-origin rule; what is not a page is not held to it")
    func allowList() async throws {
        let origins = try allowing("https://app.example.com")
        try await withServer([try TestFeatures.notifications()]) {
            $0.origins = origins
        } _: { server in
            let statuses = try await statuses(
                server, origins: [["https://App.example.com"], ["https://doorbell.test"], []])
            #expect(statuses == [101, 403, 101])
        }
    }

    @Test("while capture is not live there is 503 with Retry-After, and polls still pass")
    func notLive() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            server.server.captureChanged(to: .down(reason: "no database"))
            let refused = try await answer(server)
            #expect(refused.status == 503)
            #expect(refused["retry-after"] == "2")
            #expect(refused.text.contains("no database"))
            let raw = try await RawClient(port: server.port)
            try await raw.send("GET /api/users/42/notifications HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await raw.answer().status == 200)
            server.server.captureChanged(to: .live(leader: false))
            let again = try await answer(server)
            #expect(again.status == 101)
        }
    }

    @Test("an upgrade to something else is answered as an ordinary request, and the connection closes")
    func h2c() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send(
                "GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n"
            )
            let answer = try await raw.answer()
            #expect(answer.status == 200)
            #expect(answer["connection"] == "close")
            try await raw.waitForClose()
        }
    }

    @Test("a client that leaves while the legacy API is asked about its handshake leaves nothing behind")
    func gone() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            server.gateway.hold()
            let raw = try await RawClient(port: server.port)
            try await raw.send(WebSocketProbe.handshake("/api/users/42/notifications"))
            try await eventually("the question") { server.gateway.asked.count == 1 }
            await raw.close()
            try await eventually("the connection is gone") { server.server.openConnections == 0 }
            server.gateway.releaseAll()
            let next = try await answer(server)
            #expect(next.status == 101)
            #expect(server.deliveries.openSubscriptions == 0)
        }
    }
}
