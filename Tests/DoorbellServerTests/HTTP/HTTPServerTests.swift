import DoorbellCore
import DoorbellServer
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct HTTPServerTests {
    @Test("own routes: live, ready with reasons, 404 for the rest; only GET and HEAD")
    func ownRoutes() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let raw = try await RawClient(port: server.port)
            func get(_ path: String, _ method: String = "GET") async throws -> HTTPAnswer {
                try await raw.send("\(method) \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                return try await raw.answer(toHead: method == "HEAD")
            }
            #expect(try await get("/_doorbell/health/live").status == 200)
            let ready = try await get("/_doorbell/health/ready?x=1")
            #expect(ready.status == 200)
            #expect(ready.text == "{\"status\":\"ready\",\"reasons\":[]}\n")
            server.gateway.setTrouble("the legacy API cannot be reached")
            server.server.captureChanged(to: .starting)
            let not = try await get("/_doorbell/health/ready")
            #expect(not.status == 503)
            #expect(not.text.contains("cannot be reached") && not.text.contains("capture is reading"))
            #expect(try await get("/_doorbell/health/ready", "HEAD").body.isEmpty)
            let none = try await get("/_doorbell/none")
            #expect(none.status == 404)
            #expect(none["content-type"] == "application/problem+json")
            #expect(try await get("/_doorbell").status == 404)
            #expect(try await get("/_doorbell/ws", "POST").status == 405)
            #expect(try await get("/_doorbells").text == "legacy 0", "not ours")
            #expect(server.gateway.forwarded.map(\.uri) == ["/_doorbells"])
        }
    }

    @Test("pipelined requests are answered one by one, in order")
    func pipelining() async throws {
        try await withServer([]) { server in
            let raw = try await RawClient(port: server.port)
            var requests = ""
            for size in 1...20 {
                requests +=
                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n"
                    + String(repeating: "b", count: size)
            }
            try await raw.send(requests)
            for size in 1...20 { #expect(try await raw.answer().text == "legacy \(size)") }
            #expect(!raw.isClosed)
        }
    }

    @Test("HTTP/1.0 gets no chunks and is closed, unless it asks otherwise and the length is known")
    func http10() async throws {
        try await withServer([]) { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send("GET / HTTP/1.0\r\n\r\n")
            try await raw.waitForClose()
            let answer = try await raw.answer()
            #expect(answer["transfer-encoding"] == nil)
            #expect(answer.text == "legacy 0")
            let kept = try await RawClient(port: server.port)
            try await kept.send("GET /_doorbell/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await kept.answer()["connection"] == "keep-alive")
            #expect(!kept.isClosed)
        }
    }

    @Test(
        "what two servers could read differently is refused with 400 and the connection closes",
        arguments: [
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4, 4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4 4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\u{0B}chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\nabc",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nX: a\u{01}b\r\n\r\n",
            "GET /a\u{7F} HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /ä HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET relative HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET ftp://h/x HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET http://user@h/x HTTP/1.1\r\nHost: h\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\n: empty\r\n\r\n",
            "NONSENSE\r\n\r\n",
            "\u{16}\u{03}\u{01} TLS\r\n\r\n",
        ])
    func smuggling(request: String) async throws {
        try await withServer([]) { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send(request + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            try await raw.waitForClose()
            if !raw.bytes.isEmpty {
                let answer = try await raw.answer()
                #expect((400..<500).contains(answer.status), "\(answer)")
                #expect(raw.bytes.isEmpty, "nothing after it: \(raw.text)")
            }
            #expect(!server.gateway.forwarded.contains { $0.uri == "/smuggled" })
        }
    }

    @Test("an absolute target becomes a path, with the host that it names")
    func absoluteForm() async throws {
        try await withServer([]) { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send("GET http://Shop.test:81/a?b HTTP/1.1\r\nHost: other\r\n\r\n")
            #expect(try await raw.answer().status == 200)
            try await raw.send("GET http://shop.test?q HTTP/1.1\r\nHost: other\r\n\r\n")
            #expect(try await raw.answer().status == 200)
            #expect(server.gateway.forwarded.map(\.uri) == ["/a?b", "/?q"])
            #expect(server.gateway.forwarded.first?.headers["host"] == ["Shop.test:81"])
        }
    }

    @Test("headers beyond the limits are 431")
    func tooLarge() async throws {
        try await withServer([]) { server in
            for request in [
                "GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 17 << 10))\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: h\r\n"
                    + (0..<10).map { "X\($0): \(String(repeating: "x", count: 8 << 10))\r\n" }.joined() + "\r\n",
                "GET / HTTP/1.1\r\nHost: h\r\n" + (0..<500).map { "X\($0): x\r\n" }.joined() + "\r\n",
            ] {
                let raw = try await RawClient(port: server.port)
                try await raw.send(request)
                #expect(try await raw.answer().status == 431)
                try await raw.waitForClose()
            }
        }
    }

    @Test("a client that does not finish its first head is closed")
    func headerDeadline() async throws {
        try await withServer([]) {
            $0.headerTimeout = .milliseconds(50)
        } _: { server in
            let slow = try await RawClient(port: server.port)
            // On a busy machine it may be closed before it has said anything.
            try? await slow.send("GET / HT")
            try await slow.waitForClose()
        }
    }

    @Test("a client that is idle after a request is closed")
    func idleDeadline() async throws {
        try await withServer([]) {
            $0.idleTimeout = .milliseconds(50)
        } _: { server in
            let idle = try await RawClient(port: server.port)
            try await idle.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try await idle.answer()
            #expect(answer.status == 200)
            try await idle.waitForClose()
        }
    }

    @Test("a client that stalls in the middle of its body is closed")
    func stallDeadline() async throws {
        try await withServer([]) {
            $0.stallTimeout = .milliseconds(50)
        } _: { server in
            let stalled = try await RawClient(port: server.port)
            try? await stalled.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
            try await stalled.waitForClose()
        }
    }

    @Test("beyond the most connections: 503 and closed at once, and room again when one leaves")
    func connectionCap() async throws {
        try await withServer([]) {
            $0.maximumConnections = 2
        } _: { server in
            let one = try await RawClient(port: server.port)
            let two = try await RawClient(port: server.port)
            try await eventually("both are in") { server.server.openConnections == 2 }
            let three = try await RawClient(port: server.port)
            try await three.waitForClose()
            #expect(three.text.hasPrefix("HTTP/1.1 503"))
            await one.close()
            try await eventually("there is room") { server.server.openConnections == 1 }
            let four = try await RawClient(port: server.port)
            for client in [two, four] {
                try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await client.answer().status == 200)
            }
        }
    }

    @Test("a port in use is said in a sentence")
    func portInUse() async throws {
        try await withServer([]) { server in
            let port = server.port
            do {
                let other = try await TestServer(features: []) { $0.port = port }
                await other.stop()
                Issue.record("it listened twice")
            } catch let error as DoorbellError {
                #expect(error.code == .system)
                #expect(error.message == "cannot listen on 127.0.0.1:\(port): the port is in use")
                #expect(error.hint != nil)
            }
        }
    }

    @Test("CONNECT is refused")
    func connect() async throws {
        try await withServer([]) { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n")
            let status = try await raw.answer().status
            #expect((400..<500).contains(status))
            try await raw.waitForClose()
        }
    }
}
