import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct StreamingTests {
    @Test("8 MiB up and down, chunked and with a length, arrive whole")
    func both() async throws {
        let size = 8 << 20
        let legacy = try await LegacyServer { request in
            request.head.method == .GET
                ? .stream(size) : .reply(.ok, [:], "\(request.bodySize) \(request.digest.finalize())")
        }
        try await withShim(legacy) { shim in
            let reader = try await RawClient(port: shim.port)
            try await reader.send("GET /down HTTP/1.1\r\nHost: h\r\n\r\n")
            try await reader.wait(for: "everything") { $0.bytes.count > size }
            let down = try await reader.answer()
            #expect(down.body.count == size)
            #expect(down["transfer-encoding"] == "chunked")

            let noise = (0..<65_536).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
            var body: [UInt8] = []
            for block in 0..<(size / noise.count) {
                body += noise
                body[block * noise.count] = UInt8(truncatingIfNeeded: block)
            }
            var digest = Hasher()
            body.withUnsafeBytes { digest.combine(bytes: $0) }
            let expected = "\(size) \(digest.finalize())"
            let raw = try await RawClient(port: shim.port)
            try await raw.send(Array("PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n".utf8) + body)
            #expect(try await raw.answer().text == expected)

            try await raw.send("PUT /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in stride(from: 0, to: size, by: 1 << 20) {
                try await raw.send(Array("100000\r\n".utf8) + body[start..<(start + 1 << 20)] + [13, 10])
            }
            try await raw.send("0\r\n\r\n")
            #expect(try await raw.answer().text == expected)
            #expect(legacy.requests.last?.head.headers["transfer-encoding"] == ["chunked"])
        }
    }

    @Test("a client that does not read holds the legacy API back, and gets everything when it reads")
    func downstreamBackpressure() async throws {
        let size = 64 << 20
        let legacy = try await LegacyServer { _ in .stream(size) }
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port, stalled: true)
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            try await eventually("it begins") { legacy.produced > 0 }
            // Kernel buffers on two hops, and no more than a few parts in between.
            let produced = try await settled { legacy.produced }
            #expect(produced < 32 << 20, "\(produced)")
            try await client.resume()
            try await client.wait(for: "everything", seconds: 60) { $0.bytes.count > size }
        }
    }

    @Test("a legacy API that does not read holds the client back, until it is given up", arguments: [false, true])
    func upstreamBackpressure(isGivenUp: Bool) async throws {
        let legacy = try await LegacyServer { _ in .reply(.ok) }
        let deaf = try await DeafServer()
        try await withShim(legacy) {
            $0.url = "http://127.0.0.1:\(deaf.port)"
            $0.answerTimeout = isGivenUp ? .seconds(1) : .minutes(60)
        } _: { shim in
            let client = try await RawClient(port: shim.port)
            let size = 64 << 20
            try? await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n")
            let writing = client.channel.writeAndFlush(ByteBuffer(repeating: 1, count: size)) as EventLoopFuture<Void>
            writing.whenFailure { _ in }
            guard isGivenUp else {
                let left = try await settled {
                    try await client.channel.getOption(.bufferedWritableBytes).get()
                }
                #expect(left > 32 << 20, "\(left) of \(size) are still with the client")
                return await client.close()
            }
            // With 504, which may be lost on the way: the client is still sending.
            try await client.waitForClose()
            try await eventually("nothing is left") { shim.server.openConnections == 0 }
        }
        await deaf.stop()
    }

    @Test("an answer that comes before the request's end is passed on, and the connection closes after it")
    func earlyAnswer() async throws {
        let legacy = try await LegacyServer(
            atHead: { _ in .reply(.payloadTooLarge, [:], "too large") }, atEnd: { _ in .reply(.ok) })
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nbegin")
            let answer = try await client.answer()
            #expect(answer.status == 413)
            #expect(answer.text == "too large")
            try await client.waitForClose()
        }
    }

    @Test("a body of a great many tiny chunks that had to wait is passed on whole")
    func tinyChunks() async throws {
        let legacy = try await LegacyServer { request in
            request.head.method == .GET ? .silence : .reply(.ok, [:], "\(request.bodySize)")
        }
        try await withShim(legacy) {
            $0.maximumRequests = 2
            $0.waitTimeout = .minutes(5)
        } _: { shim in
            // One place for each of two loops: these connections take both.
            var holding: [RawClient] = []
            for _ in 0..<4 {
                let client = try await RawClient(port: shim.port)
                try await client.send("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n")
                holding.append(client)
            }
            try await eventually("both places are taken") { legacy.requests.count == 2 }
            let sender = try await RawClient(port: shim.port)
            let count = 60_000
            try await sender.send(
                "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + String(repeating: "1\r\na\r\n", count: count))
            for client in holding { await client.close() }
            try await sender.send("0\r\n\r\n")
            #expect(try await sender.answer().text == "\(count)")
        }
    }

    @Test("a client that leaves in the middle of its body has sent no request")
    func clientGoneInBody() async throws {
        let legacy = try await LegacyServer(atHead: { _ in nil }, atEnd: { _ in .reply(.ok) })
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nbegin")
            try await eventually("it is on its way") { legacy.connections == 1 }
            await client.close()
            try await eventually("it is abandoned") { legacy.abandoned == 1 }
            #expect(legacy.requests.isEmpty)
        }
    }

    @Test("a legacy API that leaves in the middle of a body is 502, and the connection closes")
    func legacyGoneInBody() async throws {
        let legacy = try await LegacyServer(atHead: { _ in .close }, atEnd: { _ in .reply(.ok) })
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nbegin")
            #expect(try await client.answer().status == 502)
            try await client.waitForClose()
            #expect(legacy.requests.isEmpty)
        }
    }

    @Test("a legacy API that is slow, and never silent for too long, is waited for")
    func slowLegacy() async throws {
        let text = "slow but sure, slow"
        let legacy = try await TranscriptServer(pace: .milliseconds(100)) { _ in
            "HTTP/1.1 200 OK\r\ncontent-length: \(text.count)\r\n\r\n" + text.map { "\0\($0)" }.joined()
        }
        try await withShim(legacyPort: legacy.port) {
            $0.answerTimeout = .seconds(1)
        } _: { shim in
            let answer = try await shim.get("/")
            #expect(answer.text == text)
        }
        await legacy.stop()
    }

    @Test("a client that leaves in the middle of an answer ends the request to the legacy API")
    func clientLeaves() async throws {
        let legacy = try await LegacyServer { request in request.head.uri == "/stream" ? .stream(1 << 30) : .silence }
        try await withShim(legacy) { shim in
            let reading = try await RawClient(port: shim.port)
            try await reading.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
            try await reading.wait(for: "a part") { $0.bytes.count > 1 << 20 }
            await reading.close()
            try await eventually("the legacy API sees it") { legacy.abandoned == 1 }
            let waiting = try await RawClient(port: shim.port)
            try await waiting.send("GET /silent HTTP/1.1\r\nHost: h\r\n\r\n")
            try await eventually("the request is there") { legacy.requests.count == 2 }
            await waiting.close()
            try await eventually("the legacy API sees that too") { legacy.abandoned == 2 }
            try await eventually("nothing is left") { shim.server.openConnections == 0 }
        }
    }
}
