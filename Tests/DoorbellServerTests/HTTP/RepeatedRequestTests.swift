import DoorbellTestSupport
import NIOHTTP1
import Testing

@testable import DoorbellServer

/// Polls that come again byte for byte on their connection.
@Suite struct RepeatedRequestTests {
    private static let poll = "GET /api/news HTTP/1.1\r\nHost: doorbell.test\r\n\r\n"

    private func answer(_ raw: RawClient, to request: String) async throws -> HTTPAnswer {
        try await raw.send(request)
        return try await raw.answer()
    }

    private func withRepeatable(
        configure: (inout ServerConfiguration) -> Void = { _ in },
        _ body: (TestServer, RawClient) async throws -> Void
    ) async throws {
        try await withServer([try TestFeatures.news()], configure: configure) { server in
            server.gateway.reply { _, body in .answer(.ok, ["content-length": "6"], Array("legacy".utf8)) }
            server.gateway.setRepeatable(true)
            let raw = try await RawClient(port: server.port)
            try await body(server, raw)
            await raw.close()
        }
    }

    @Test("the same request is answered with the same bytes and is not passed on")
    func again() async throws {
        try await withRepeatable { server, raw in
            let first = try await answer(raw, to: Self.poll)
            for _ in 0..<5 {
                let next = try await answer(raw, to: Self.poll)
                #expect(
                    next.status == 200 && next.text == "legacy"
                        && next.headers.map(\.value) == first.headers.map(\.value))
            }
            #expect(server.gateway.forwarded.count == 1 && server.gateway.repeated == 5)
        }
    }

    @Test("an answer with a body of up to 16 KiB is kept by the connection, a longer one is asked for each time")
    func bound() async throws {
        try await withRepeatable { server, raw in
            for (length, repeated) in [(16 << 10, 2), (16 << 10 + 1, 0)] {
                server.gateway.reply { _, _ in
                    .answer(.ok, ["content-length": "\(length)"], Array(repeating: 0x78, count: length))
                }
                let request = Self.poll.replacing("news", with: "\(length)")
                let before = server.gateway.repeated
                for _ in 0..<3 {
                    let answer = try await answer(raw, to: request)
                    #expect(answer.body.count == length)
                }
                #expect(server.gateway.repeated - before == repeated)
            }
        }
    }

    @Test("an answer that does not hold any more is asked for anew")
    func changed() async throws {
        try await withRepeatable { server, raw in
            _ = try await answer(raw, to: Self.poll)
            server.gateway.setRepeatable(false)
            server.gateway.reply { _, _ in .answer(.ok, ["content-length": "5"], Array("newer".utf8)) }
            #expect(try await answer(raw, to: Self.poll).text == "newer")
            #expect(server.gateway.forwarded.count == 2 && server.gateway.repeated == 0)
        }
    }

    @Test("another request is passed on, and so is the first one after it")
    func other() async throws {
        try await withRepeatable { server, raw in
            _ = try await answer(raw, to: Self.poll)
            _ = try await answer(raw, to: Self.poll.replacing("news", with: "olds"))
            _ = try await answer(raw, to: Self.poll)
            #expect(server.gateway.forwarded.map(\.uri) == ["/api/news", "/api/olds", "/api/news"])
            _ = try await answer(raw, to: Self.poll)
            #expect(server.gateway.repeated == 1)
        }
    }

    @Test("what looks like the request within a body, or after half a request, is not taken for one")
    func smuggled() async throws {
        try await withRepeatable { server, raw in
            _ = try await answer(raw, to: Self.poll)
            let body = "POST /api/other HTTP/1.1\r\nHost: h\r\nContent-Length: \(Self.poll.utf8.count)\r\n\r\n"
            try await raw.send(body)
            try await eventually("the head arrives") { server.gateway.forwarded.count == 2 }
            #expect(try await answer(raw, to: Self.poll).status == 200)
            #expect(server.gateway.bodies.last == Self.poll && server.gateway.repeated == 0)

            // The head of a next request that is not whole: what follows belongs to it.
            _ = try await answer(raw, to: Self.poll)
            try await raw.send(Self.poll + "GET /api/half HTTP/1.1\r\nHost: h\r\nX: ")
            #expect(try await raw.answer().status == 200)
            let last = try await answer(raw, to: Self.poll)
            #expect(last.status == 400 || server.gateway.forwarded.last?.uri == "/api/half")
            #expect(server.gateway.repeated == 0)
        }
    }

    @Test("requests that are sent one after the other without waiting are all answered, in order")
    func pipelined() async throws {
        try await withRepeatable { server, raw in
            _ = try await answer(raw, to: Self.poll)
            _ = try await answer(raw, to: Self.poll)
            try await raw.send(Self.poll + Self.poll + Self.poll.replacing("news", with: "olds"))
            for _ in 0..<3 { #expect(try await raw.answer().text == "legacy") }
            #expect(server.gateway.forwarded.map(\.uri) == ["/api/news", "/api/news", "/api/news", "/api/olds"])
        }
    }

    @Test(
        "thousands of requests that wait behind a slow one are answered one after the other, not one within the other")
    func manyPipelined() async throws {
        try await withServer([try TestFeatures.news()]) { server in
            let raw = try await RawClient(port: server.port)
            // So that one read may bring many of them.
            let body = String(repeating: "x", count: 1 << 20)
            let large = "POST /api/large HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body
            for _ in 0..<3 { #expect(try await answer(raw, to: large).status == 200) }
            server.gateway.reply { _, _ in .hold }
            let count = 10_000
            let live = "GET /_doorbell/health/live HTTP/1.1\r\nHost: h\r\n\r\n"
            try await raw.send("GET /api/slow HTTP/1.1\r\nHost: h\r\n\r\n" + String(repeating: live, count: count))
            try await eventually("the slow one is asked for") { server.gateway.heldForwards == 1 }
            server.gateway.releaseForwards(with: .answer(.ok, ["content-length": "4"], Array("slow".utf8)))
            #expect(try await raw.answer().text == "slow")
            for _ in 0..<count { #expect(try await raw.answer().status == 200) }
            await raw.close()
        }
    }

    @Test("a client that asks without reading is answered as far as it takes the answers, and the rest when it reads")
    func askingWithoutReading() async throws {
        try await withServer([try TestFeatures.news()]) { server in
            let body = [UInt8](repeating: 0x78, count: 256 << 10)
            server.gateway.reply { _, _ in .answer(.ok, ["content-length": "\(body.count)"], body) }
            let raw = try await RawClient(port: server.port, stalled: true)
            let count = 200
            try await raw.send(String(repeating: Self.poll, count: count))
            var asked = 0
            while asked == 0 || asked != server.gateway.forwarded.count {
                asked = server.gateway.forwarded.count
                try await Task.sleep(for: .milliseconds(300))
            }
            // What the sockets hold, some megabytes, is what it takes.
            #expect(asked < count / 2, "\(asked) of \(count) were answered into memory")
            try await raw.resume()
            for _ in 0..<count { #expect(try await raw.answer().body.count == body.count) }
            await raw.close()
        }
    }

    @Test("a request that comes in two pieces is answered")
    func pieces() async throws {
        try await withRepeatable { server, raw in
            _ = try await answer(raw, to: Self.poll)
            try await raw.send(String(Self.poll.prefix(20)))
            try await Task.sleep(for: .milliseconds(20))
            #expect(try await answer(raw, to: String(Self.poll.dropFirst(20))).text == "legacy")
            #expect(server.gateway.forwarded.count == 2)
            #expect(try await answer(raw, to: Self.poll).text == "legacy")
            #expect(server.gateway.repeated == 1)
        }
    }

    @Test("a connection that only repeats itself is not idle, and is closed when it is")
    func idle() async throws {
        try await withRepeatable {
            $0.idleTimeout = .milliseconds(600)
        } _: { server, raw in
            _ = try await answer(raw, to: Self.poll)
            for _ in 0..<8 {
                try await Task.sleep(for: .milliseconds(150))
                #expect(try await answer(raw, to: Self.poll).status == 200)
            }
            #expect(server.gateway.repeated == 8)
            try await raw.waitForClose()
        }
    }

    @Test("a connection that repeated itself becomes a WebSocket like any other")
    func upgrade() async throws {
        try await withRepeatable { server, raw in
            _ = try await answer(raw, to: Self.poll)
            _ = try await answer(raw, to: Self.poll)
            #expect(try await answer(raw, to: WebSocketProbe.handshake()).status == 101)
        }
    }

    @Test("a drain ends a connection with its next answer, which says so")
    func drain() async throws {
        try await withRepeatable { server, raw in
            _ = try await answer(raw, to: Self.poll)
            async let stopped: Void = server.server.stop(within: .seconds(2))
            try await raw.waitForClose()
            await stopped
        }
    }
}
