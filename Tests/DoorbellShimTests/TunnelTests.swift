import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import Foundation
import NIOCore
import NIOSSL
import Testing

@Suite struct TunnelTests {
    private static let handshake =
        "GET /chat?room=1 HTTP/1.1\r\nHost: shop.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nCookie: k=v\r\n\r\n"
    private static let switched =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"

    /// Shakes hands, and takes the answer away.
    private func open(_ shim: TestShim, stalled: Bool = false) async throws -> RawClient {
        let client = try await RawClient(port: shim.port)
        try await client.send(Self.handshake)
        let answer = try await client.answer()
        #expect(answer.status == 101)
        #expect(answer["upgrade"] == "websocket")
        #expect(answer["connection"] == "Upgrade")
        #expect(answer["sec-websocket-accept"] == "x")
        return client
    }

    @Test("a handshake on a path that no feature owns goes to the legacy API, and bytes pass both ways as they are")
    func passes() async throws {
        let legacy = try await SwitchingServer(answer: Self.switched + "hello")
        try await withShim(legacyPort: legacy.port) { shim in
            let client = try await open(shim)
            try await client.wait(for: "what came behind the answer") { $0.text == "hello" }
            #expect(legacy.head.hasPrefix("GET /chat?room=1 HTTP/1.1\r\n"))
            for line in [
                "Host: shop.test", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Cookie: k=v", "upgrade: websocket",
                "connection: Upgrade", "x-forwarded-for: 127.0.0.1",
            ] { #expect(legacy.head.contains("\r\n\(line)\r\n"), "\(line) in \(legacy.head)") }
            client.drop(5)
            let noise: [UInt8] = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            try await client.send(noise)
            try await client.wait(for: "the echo") { $0.bytes.count == noise.count }
            #expect(client.bytes == noise)
            await client.close()
            try await eventually("both ends are gone") { legacy.open == 0 && shim.server.openConnections == 0 }
        }
        await legacy.stop()
    }

    @Test("a legacy API with TLS is spoken to in TLS, and not at all when its certificate is not trusted")
    func secure() async throws {
        let folder = NSTemporaryDirectory() + "doorbell-tunnel-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=legacy", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder + "/key.pem", "-out",
            folder + "/certificate.pem",
        ]
        openssl.standardError = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        let chain = try NIOSSLCertificate.fromPEMFile(folder + "/certificate.pem")
        let tls = try NIOSSLContext(
            configuration: .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(NIOSSLPrivateKey(file: folder + "/key.pem", format: .pem))))
        let legacy = try await SwitchingServer(answer: Self.switched, tls: tls)
        try await withShim(legacyPort: legacy.port) {
            $0.url = "https://127.0.0.1:\(legacy.port)/base"
            $0.tls.trustRoots = .certificates(chain)
        } _: { shim in
            let client = try await open(shim)
            #expect(legacy.head.hasPrefix("GET /base/chat?room=1 HTTP/1.1\r\n"))
            try await client.send("over TLS")
            try await client.wait(for: "the echo") { $0.text == "over TLS" }
            await client.close()
            try await eventually("both ends are gone") { legacy.open == 0 }
        }
        try await withShim(legacyPort: legacy.port) {
            $0.url = "https://127.0.0.1:\(legacy.port)"
        } _: { shim in
            let answer = try await shim.request(Self.handshake)
            #expect(answer.status == 502)
        }
        await legacy.stop()
    }

    @Test("what the client sends ahead of the answer is not lost")
    func ahead() async throws {
        let legacy = try await SwitchingServer(answer: Self.switched)
        try await withShim(legacyPort: legacy.port) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(Self.handshake + "ahead")
            _ = try await client.answer()
            try await client.wait(for: "the echo") { $0.text == "ahead" }
        }
        await legacy.stop()
    }

    @Test("an answer that comes a byte at a time is read to its end", arguments: [true, false])
    func slow(isSwitched: Bool) async throws {
        let refusal = "HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"
        let answer = isSwitched ? Self.switched : refusal
        let legacy = try await TranscriptServer(pace: .milliseconds(2)) { _ in answer.map { "\0\($0)" }.joined() }
        try await withShim(legacyPort: legacy.port) { shim in
            let given = try await shim.request(Self.handshake)
            #expect(given.status == (isSwitched ? 101 : 403))
            #expect(given.text == (isSwitched ? "" : "no"))
        }
        await legacy.stop()
    }

    @Test(
        "another answer than 101 is passed on as it is, and the connection closes",
        arguments: [
            ("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nx-a: 1\r\n\r\nno", 403, "no"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n", 200, "yes"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n\r\n", 426, ""),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        ])
    func refused(answer: String, status: Int, body: String) async throws {
        let legacy = try await SwitchingServer(answer: answer)
        try await withShim(legacyPort: legacy.port) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(Self.handshake + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            let given = try await client.answer()
            #expect(given.status == status)
            #expect(given.text == body)
            try await client.waitForClose()
            #expect(client.bytes.isEmpty)
            try await eventually("the legacy API is left") { legacy.open == 0 }
            #expect(!legacy.received.contains("smuggled"))
        }
        await legacy.stop()
    }

    @Test(
        "an answer that is none is 502",
        arguments: [
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n0",
            "nonsense\r\n\r\n",
        ])
    func nonsense(answer: String) async throws {
        let legacy = try await SwitchingServer(answer: answer)
        try await withShim(legacyPort: legacy.port) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(Self.handshake)
            #expect(try await client.answer().status == 502)
            try await client.waitForClose()
        }
        await legacy.stop()
    }

    @Test("a legacy API that is not there is 502, one that says nothing 504")
    func absent() async throws {
        let legacy = try await SwitchingServer(answer: "")
        try await withShim(legacyPort: legacy.port) {
            $0.answerTimeout = .milliseconds(100)
        } _: { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(Self.handshake)
            #expect(try await client.answer().status == 504)
            await legacy.stop()
            let other = try await RawClient(port: shim.port)
            try await other.send(Self.handshake)
            #expect(try await other.answer().status == 502)
        }
    }

    @Test("an end that says no more is passed on, and the other direction goes on", arguments: [true, false])
    func halfClose(isClient: Bool) async throws {
        let legacy = try await SwitchingServer(
            answer: Self.switched, echoes: isClient, endsAfter: isClient ? nil : "bye")
        try await withShim(legacyPort: legacy.port) { shim in
            let client = try await open(shim)
            if isClient {
                try await client.channel.setOption(.allowRemoteHalfClosure, value: true).get()
                try await client.send("last")
                try await client.channel.close(mode: .output)
                // The echo comes although the client has ended its side, then the legacy API ends its own.
                try await client.wait(for: "the echo") { $0.text == "last" }
                try await eventually("the legacy API was told") { legacy.sawEnd }
            } else {
                try await client.channel.setOption(.allowRemoteHalfClosure, value: true).get()
                try await client.send("bye")
                try await eventually("it ends") { legacy.hasEnded }
                try await client.send("after")
                try await eventually("it still hears") { legacy.received.hasSuffix("byeafter") }
            }
            await client.close()
            try await eventually("both ends are gone") { legacy.open == 0 && shim.server.openConnections == 0 }
        }
        await legacy.stop()
    }

    @Test("a legacy API that is gone ends the client's connection, after what it said last")
    func legacyGone() async throws {
        let legacy = try await SwitchingServer(
            answer: Self.switched + String(repeating: "x", count: 1 << 20), closes: true)
        try await withShim(legacyPort: legacy.port) { shim in
            let client = try await open(shim)
            try await client.waitForClose()
            #expect(client.bytes.count == 1 << 20)
        }
        await legacy.stop()
    }

    @Test("who does not read holds the other back")
    func backpressure() async throws {
        let legacy = try await SwitchingServer(answer: Self.switched, floods: true)
        try await withShim(legacyPort: legacy.port) { shim in
            let client = try await RawClient(port: shim.port, stalled: true)
            try await client.send(Self.handshake)
            try await eventually("it begins") { legacy.sent > 0 }
            let sent = try await settled { legacy.sent }
            #expect(sent < 32 << 20, "\(sent)")
            try await client.resume()
            try await client.wait(for: "more") { $0.bytes.count > sent }
            await client.close()
            try await eventually("it ends") { legacy.open == 0 }
        }
        await legacy.stop()
    }

    @Test("a tunnel through which nothing passes ends, and so does one that nobody reads from")
    func deadlines() async throws {
        let legacy = try await SwitchingServer(answer: Self.switched)
        try await withShim(legacyPort: legacy.port, listen: { $0.tunnelIdleTimeout = .milliseconds(200) }) { shim in
            let client = try await open(shim)
            try await client.waitForClose()
            try await eventually("both ends are gone") { legacy.open == 0 && shim.server.openConnections == 0 }
        }
        await legacy.stop()
        let flooding = try await SwitchingServer(answer: Self.switched, floods: true)
        try await withShim(legacyPort: flooding.port, listen: { $0.stallTimeout = .milliseconds(200) }) { shim in
            let client = try await RawClient(port: shim.port, stalled: true)
            try await client.send(Self.handshake)
            try await eventually("it begins") { flooding.sent > 0 }
            try await eventually("both ends are gone") { flooding.open == 0 && shim.server.openConnections == 0 }
        }
        await flooding.stop()
    }

    @Test("beyond the most tunnels a handshake is 503, and there is room again when one ends")
    func bounded() async throws {
        let legacy = try await SwitchingServer(answer: Self.switched)
        try await withShim(legacyPort: legacy.port, listen: { $0.maximumTunnels = 1 }) { shim in
            let first = try await open(shim)
            let second = try await shim.request(Self.handshake)
            #expect(second.status == 503)
            #expect(second["retry-after"] == "5")
            await first.close()
            try await eventually("there is room") { try await shim.request(Self.handshake).status == 101 }
        }
        await legacy.stop()
    }

    @Test("a drain ends tunnels")
    func drain() async throws {
        let legacy = try await SwitchingServer(answer: Self.switched)
        try await withShim(legacyPort: legacy.port, listen: { $0.reconnectSpread = .milliseconds(50) }) { shim in
            let client = try await open(shim)
            async let stopped: Void = shim.server.stop(within: .seconds(20))
            try await client.waitForClose()
            await stopped
            try await eventually("the legacy API is left") { legacy.open == 0 }
        }
        await legacy.stop()
    }

    @Test("a handshake with a body is no handshake: it is passed on without the upgrade")
    func body() async throws {
        let legacy = try await TranscriptServer()
        try await withShim(legacy) { shim in
            let answer = try await shim.request(
                "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nab")
            #expect(answer.status == 200)
            #expect(legacy.seen.requests.first?["upgrade"] == [])
        }
    }
}
