import DoorbellAuth
import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellTestSupport
import NIOCore
import NIOHPACK
import NIOHTTP1
import Testing

@Suite struct HTTP2ServerTests {
    let store: CertificateStore
    let poll = "/api/users/42/notifications"
    let channel = "user:42:notifications"

    init() throws {
        store = try TestCertificate().store(protocols: Server.applicationProtocols)
    }

    private func withSecureServer(
        _ features: [Feature], configure: (inout ServerConfiguration) -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await withServer(
            features,
            configure: {
                $0.certificates = store
                configure(&$0)
            }, body)
    }

    // MARK: Requests

    @Test("requests of one connection are answered side by side and say nothing of HTTP/1.1")
    func requests() async throws {
        try await withSecureServer([try TestFeatures.notifications()]) { server in
            let client = try await HTTP2Probe.open(server.port)
            var streams: [HTTP2Probe.Stream] = []
            for size in 0..<50 {
                streams.append(try await client.request("POST", "/x", body: String(repeating: "b", count: size)))
            }
            streams.append(try await client.request("GET", "/_doorbell/health/live"))
            for (size, stream) in streams.enumerated() {
                try await stream.ended()
                #expect(stream.status == 200)
                if size < 50 { #expect(stream.text == "legacy \(size)") }
                for name in ["connection", "transfer-encoding", "upgrade", "keep-alive"] {
                    #expect(!stream.headers.contains(name: name))
                }
            }
            #expect(server.server.openConnections == 1)
            #expect(server.gateway.origins.allSatisfy { $0.isTLS && $0.address == "127.0.0.1" })
            for head in server.gateway.forwarded {
                #expect(head.version == .http1_1 && head.headers["host"] == ["doorbell.test"])
            }
        }
    }

    @Test("HEAD, an error of our own, a body that is not ended, and a method that nobody knows")
    func kinds() async throws {
        try await withSecureServer([]) { server in
            let client = try await HTTP2Probe.open(server.port)
            let head = try await client.request("HEAD", "/_doorbell/health/live")
            try await head.ended()
            #expect(head.status == 200 && head.text.isEmpty)
            let none = try await client.request("GET", "/_doorbell/none")
            try await none.ended()
            #expect(none.status == 404 && none.headers.first(name: "content-type") == "application/problem+json")
            // Refused before its body has come: the answer is whole, the rest of the body is not waited for.
            let open = try await client.request("POST", "/a#b", isOpen: true)
            try await open.ended()
            #expect(open.status == 400)
            let odd = try await client.request("FO(O", "/")
            try await odd.ended()
            #expect(odd.status == 400)
            let custom = try await client.request("PURGE-ALL", "/")
            try await custom.ended()
            #expect(custom.status == 200)
            #expect(server.gateway.forwarded.map(\.method) == [.RAW(value: "PURGE-ALL")])
        }
    }

    @Test("the host is the authority, whatever a host field says; without one the field counts; the cookie is one")
    func translation() async throws {
        try await withSecureServer([]) { server in
            let client = try await HTTP2Probe.open(server.port)
            let crumbs = [("cookie", "a=1"), ("host", "evil.test"), ("x", "y"), ("cookie", "b=2, 3")]
            try await client.request("GET", "/one", headers: crumbs).ended()
            try await client.request("GET", "/two", headers: [("host", "field.test")], authority: nil).ended()
            let none = try await client.request("GET", "/three", authority: nil)
            try await eventually("it is refused") { none.isClosed }
            #expect(none.status == nil)
            let heads = server.gateway.forwarded
            #expect(heads.map(\.uri) == ["/one", "/two"])
            #expect(heads[0].headers["host"] == ["doorbell.test"])
            #expect(heads[0].headers["cookie"] == ["a=1; b=2, 3"])
            #expect(heads[1].headers["host"] == ["field.test"])
        }
    }

    @Test(
        "what HTTP/2 forbids ends the stream or the connection and reaches nobody",
        arguments: [
            ("connection", "close"), ("transfer-encoding", "chunked"), ("upgrade", "websocket"), ("te", "gzip"),
            ("X-Upper", "a"), ("x", "a\r\nb: c"), ("content-length", "5"), ("content-length", "-1"),
        ])
    func forbidden(name: String, value: String) async throws {
        try await withSecureServer([]) { server in
            let client = try await HTTP2Probe.open(server.port, validates: false)
            let stream = try? await client.request("POST", "/", headers: [(name, value)], body: "abc")
            try await eventually("an end") { stream == nil || stream?.isClosed == true || client.isClosed }
            #expect(stream?.status != 200)
            #expect(!server.gateway.forwarded.contains { $0.headers.contains(name: "b") })
        }
    }

    @Test("a body that the head could not announce in HTTP/1.1 ends the stream and reaches nobody")
    func unannouncedBody() async throws {
        try await withSecureServer([]) { server in
            let client = try await HTTP2Probe.open(server.port)
            let odd = try await client.request("GET", "/x", body: "GET /smuggled HTTP/1.1\r\n\r\n")
            try await eventually("it is ended") { odd.isClosed }
            #expect(odd.status == nil && server.gateway.bodies.isEmpty)
            let empty = try await client.request("GET", "/x", body: "")
            try await empty.ended()
            let announced = try await client.request("DELETE", "/x", headers: [("content-length", "3")], body: "abc")
            try await announced.ended()
            #expect(empty.text == "legacy 0" && announced.text == "legacy 3")
        }
    }

    @Test("a WebSocket is not offered")
    func noWebSocket() async throws {
        try await withSecureServer([try TestFeatures.notifications()]) { server in
            let client = try await HTTP2Probe.open(server.port)
            let stream = try await client.request("GET", "/_doorbell/ws", headers: [("sec-websocket-version", "13")])
            try await stream.ended()
            #expect(stream.status == 426)
            #expect(!stream.headers.contains(name: "upgrade"))
        }
    }

    // MARK: Streams of events

    @Test("an event stream flushes each event, beside requests; cancelling it ends that stream only")
    func events() async throws {
        try await withSecureServer([try TestFeatures.notifications()]) { server in
            let client = try await HTTP2Probe.open(server.port)
            let events = try await client.request("GET", poll, headers: [("accept", "text/event-stream")])
            try await events.wait(for: #""type":"subscribed""#)
            #expect(events.headers.first(name: "content-type") == "text/event-stream")
            #expect(!events.headers.contains(name: "transfer-encoding"))
            for number in 0..<20 {
                try server.publish(["event \(number)."], on: channel)
                try await events.wait(for: "event \(number).")
            }
            let other = try await client.request("GET", "/x")
            try await other.ended()
            await events.cancel()
            try await eventually("the subscription is gone") { server.hub.usage.subscriptions == 0 }
            let after = try await client.request("GET", "/x")
            try await after.ended()
            #expect(after.status == 200 && !client.isClosed)
        }
    }

    @Test("a refused stream has the legacy API's own answer; a held poll is answered by a change")
    func refusalAndHeldPoll() async throws {
        try await withSecureServer([try TestFeatures.notifications()]) { server in
            let client = try await HTTP2Probe.open(server.port)
            let held = try await client.request(
                "GET", poll, headers: [("prefer", "wait=60"), ("if-none-match", "\"1\"")])
            try await eventually("it waits") { server.hub.usage.subscriptions == 1 }
            server.gateway.answer { _ in
                .success(PollAnswer(status: .ok, headers: ["etag": "\"2\""], body: ByteBuffer(string: "new")))
            }
            try server.publish(["x"], on: channel)
            try await held.ended()
            #expect(held.status == 200 && held.text == "new")
            server.gateway.refuse(.forbidden)
            let refused = try await client.request("GET", poll, headers: [("accept", "text/event-stream")])
            try await refused.ended()
            #expect(refused.status == 403 && refused.text == "refused")
        }
    }

    @Test("a stream that is not read costs its budget; its neighbour goes on, and it resumes without a hole")
    func stalledStream() async throws {
        try await withSecureServer([try TestFeatures.news()]) {
            $0.sendBudget = 32 << 10
            $0.kernelSendBuffer = 8 << 10
        } _: { server in
            let client = try await HTTP2Probe.open(server.port, window: 16 << 10)
            let path = "/_doorbell/sse?channel=news"
            let stalled = try await client.request("GET", path, isStalled: true)
            let reading = try await client.request("GET", path)
            try await eventually("both are subscribed") { server.hub.usage.subscriptions == 2 }
            let text = String(repeating: "x", count: 4 << 10)
            for number in 0..<100 {
                try server.publish([text, "mark \(number)."], on: "news")
                try await reading.wait(for: "mark \(number).")
            }
            let told = server.deliveries.list.reduce(0) { $0 + $1.bytes }
            #expect(told < 100 * (5 << 10) + (200 << 10), "the stalled stream was queued little: \(told)")
            try await stalled.resume()
            try await stalled.wait(for: "mark 99.")
            for number in 0..<100 { #expect(stalled.text.contains("mark \(number).")) }
        }
    }

    @Test("a stalled stream is ended at the deadline, the connection lives")
    func stallDeadline() async throws {
        try await withSecureServer([try TestFeatures.news()]) {
            $0.sendBudget = 16 << 10
            $0.stallTimeout = .milliseconds(200)
        } _: { server in
            let client = try await HTTP2Probe.open(server.port, window: 1 << 10)
            let stalled = try await client.request("GET", "/_doorbell/sse?channel=news", isStalled: true)
            try await eventually("it is subscribed") { server.hub.usage.subscriptions == 1 }
            let text = String(repeating: "x", count: 4 << 10)
            for _ in 0..<20 { try server.publish([text], on: "news") }
            try await eventually("it is ended") { server.hub.usage.subscriptions == 0 }
            try await stalled.resume()
            try await eventually("the client knows") { stalled.isClosed }
            let next = try await client.request("GET", "/x")
            try await next.ended()
            #expect(next.status == 200)
        }
    }

    // MARK: Limits

    @Test("a body that stops in the middle is given up at the deadline")
    func slowBody() async throws {
        try await withSecureServer([]) {
            $0.stallTimeout = .milliseconds(200)
        } _: { server in
            let client = try await HTTP2Probe.open(server.port)
            let slow = try await client.request("POST", "/x", body: "abc", isOpen: true)
            try await eventually("it is given up") { slow.isClosed }
            let next = try await client.request("GET", "/x")
            try await next.ended()
            #expect(next.status == 200)
        }
    }

    @Test("a client that keeps to the most streams waits with the next until one has ended")
    func streamLimit() async throws {
        try await withSecureServer([try TestFeatures.news()]) {
            $0.maximumStreams = 3
        } _: { server in
            let client = try await HTTP2Probe.open(server.port)
            let path = "/_doorbell/sse?channel=news"
            var streams: [HTTP2Probe.Stream] = []
            for _ in 0..<3 { streams.append(try await client.request("GET", path)) }
            try await eventually("three are subscribed") { server.hub.usage.subscriptions == 3 }
            async let next = client.request("GET", path)
            await streams[0].cancel()
            try await next.wait(for: "subscribed")
            #expect(server.deliveries.subscribed == 4 && server.hub.usage.subscriptions == 3)
        }
    }

    @Test("headers beyond the limit end the connection")
    func tooLarge() async throws {
        try await withSecureServer([]) { server in
            let client = try await HTTP2Probe.open(server.port)
            try await client.request("GET", "/x").ended()
            let large = (0..<20).map { ("x\($0)", String(repeating: "x", count: 8 << 10)) }
            let stream = try? await client.request("GET", "/large", headers: large)
            try await eventually("an end") { stream == nil || stream?.isClosed == true || client.isClosed }
            #expect(stream?.status != 200)
            #expect(server.gateway.forwarded.map(\.uri) == ["/x"])
        }
    }

    @Test("requests that are reset as fast as they come end the connection")
    func rapidReset() async throws {
        try await withSecureServer([]) { server in
            server.gateway.hold()
            let client = try await HTTP2Probe.open(server.port)
            for _ in 0..<1000 where !client.isClosed {
                guard let stream = try? await client.request("POST", "/x", isOpen: true) else { break }
                await stream.cancel()
            }
            try await eventually("the connection is ended") { client.isClosed }
            try await eventually("and gone") { server.server.openConnections == 0 }
        }
    }

    /// The frame handler keeps what comes after an error, so the connection must not outlive it, whatever else is open on it.
    @Test("a continuation of nothing ends the connection, although an event stream is open on it")
    func brokenFrames() async throws {
        try await withSecureServer([try TestFeatures.news()]) { server in
            let raw = try await RawClient(port: server.port, tls: try TestCertificate.client(["h2"]))
            var bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
            bytes += [0, 0, 0, 4, 0, 0, 0, 0, 0]
            // HEADERS of stream 1: GET https /_doorbell/sse?channel=news, with indexed and literal fields (RFC 7541).
            var block: [UInt8] = [0x82, 0x87]
            for (index, text) in [(0x04 as UInt8, "/_doorbell/sse?channel=news"), (0x01, "doorbell.test")] {
                block += [index, UInt8(text.utf8.count)] + Array(text.utf8)
            }
            bytes += [0, 0, UInt8(block.count), 1, 0x05, 0, 0, 0, 1] + block
            try await raw.send(bytes)
            try await eventually("the stream is open") { server.deliveries.openSubscriptions == 1 }
            try await raw.send([0, 0, 1, 9, 0, 0, 0, 0, 1, 0])
            try await eventually("the connection is gone") { server.server.openConnections == 0 }
        }
    }

    // MARK: Life

    @Test("a connection without a request is closed within the time for the first head")
    func noRequest() async throws {
        try await withSecureServer([]) {
            $0.headerTimeout = .milliseconds(400)
        } _: { server in
            let client = try await HTTP2Probe.open(server.port)
            try await eventually("it is closed") { client.isClosed }
        }
    }

    @Test("an idle connection is told to go and closed; one with a stream is pinged and lives")
    func idle() async throws {
        try await withSecureServer([try TestFeatures.news()]) {
            $0.idleTimeout = .milliseconds(300)
            $0.session.heartbeat = .milliseconds(500)
        } _: { server in
            let idle = try await HTTP2Probe.open(server.port)
            try await idle.request("GET", "/x").ended()
            let busy = try await HTTP2Probe.open(server.port)
            let events = try await busy.request("GET", "/_doorbell/sse?channel=news")
            try await eventually("it is closed") { idle.isClosed }
            #expect(idle.isGoingAway)
            try await eventually("pings and comments") {
                busy.pings >= 3 && events.text.split(separator: "\n").count { $0.hasPrefix(":") } >= 3
            }
            #expect(!busy.isClosed && !busy.isGoingAway)
        }
    }

    @Test("a peer that is gone without a word is found by its silence")
    func halfOpen() async throws {
        try await withSecureServer([try TestFeatures.news()]) {
            $0.session.heartbeat = .milliseconds(300)
        } _: { server in
            let client = try await HTTP2Probe.open(server.port)
            _ = try await client.request("GET", "/_doorbell/sse?channel=news")
            try await eventually("it is subscribed") { server.hub.usage.subscriptions == 1 }
            // Whatever comes stays in the kernel: no ping is answered.
            try await client.channel.setOption(.autoRead, value: false).get()
            try await eventually("it is gone") { server.server.openConnections == 0 }
            #expect(server.hub.usage.subscriptions == 0)
        }
    }

    @Test("a drain says goodbye to streams, lets running requests end, answers held polls, and sends GOAWAY")
    func drain() async throws {
        let server = try await TestServer(features: [try TestFeatures.notifications(), try TestFeatures.news()]) {
            $0.certificates = store
        }
        let client = try await HTTP2Probe.open(server.port)
        let events = try await client.request("GET", "/_doorbell/sse?channel=news")
        try await events.wait(for: "subscribed")
        let held = try await client.request("GET", poll, headers: [("prefer", "wait=60"), ("if-none-match", "\"1\"")])
        try await eventually("both wait") { server.hub.usage.subscriptions == 2 }
        let running = try await client.request("POST", "/x", body: "abc", isOpen: true)
        try await eventually("it runs") { server.gateway.forwarded.count == 1 }
        let idle = try await HTTP2Probe.open(server.port)
        try await idle.request("GET", "/x").ended()

        async let stopping: Void = server.server.stop(within: .seconds(600))
        try await events.wait(for: #"{"type":"closed","code":1012"#)
        #expect(events.text.contains("goodbye"))
        try await events.ended()
        try await held.ended()
        #expect(held.status == 304)
        try await eventually("GOAWAY") { client.isGoingAway && idle.isGoingAway }
        try await eventually("the idle connection is closed") { idle.isClosed }
        #expect(!client.isClosed)
        try await running.send("def", isOpen: false)
        try await running.ended()
        #expect(running.text == "legacy 6")
        try await eventually("nothing is left") { client.isClosed }
        await stopping
        #expect(server.server.openConnections == 0)
        await server.stop()
    }
}
