import DoorbellAuth
import DoorbellCore
import DoorbellServer
import DoorbellTestSupport
import Foundation
import NIOCore
import NIOSSL
import Testing

/// Everything over TLS, with HTTP/1.1 inside.
@Suite struct SecureServerTests {
    let certificate: TestCertificate
    let store: CertificateStore
    let client: NIOSSLContext

    init() throws {
        certificate = try TestCertificate()
        store = try certificate.store(protocols: Server.applicationProtocols)
        client = try TestCertificate.client(["http/1.1"])
    }

    @Test("polls, an event stream and a WebSocket over TLS; the legacy API is told that it was TLS")
    func transports() async throws {
        try await withServer([try TestFeatures.notifications()]) {
            $0.certificates = store
        } _: { server in
            let raw = try await RawClient(port: server.port, tls: client)
            for size in [3, 30_000] {
                try await raw.send(
                    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n"
                        + String(repeating: "b", count: size))
                #expect(try await raw.answer().text == "legacy \(size)")
            }
            let path = "/api/users/42/notifications"
            let events = try await EventStreamProbe.open(server.port, path: path, tls: client)
            #expect(try await events.next().data.contains("welcome"))
            #expect(try await events.next().data.contains("subscribed"))
            let socket = try await WebSocketProbe.open(server.port, path: path, tls: client)
            try await socket.text(containing: "subscribed")
            try server.publish(["over TLS"], on: "user:42:notifications")
            #expect(try await events.next().data.contains("over TLS"))
            #expect(try await socket.text().contains("over TLS"))
            #expect(server.gateway.origins.count == 4)
            #expect(server.gateway.origins.allSatisfy { $0.isTLS && $0.address == "127.0.0.1" })
        }
    }

    @Test("a client that does not negotiate speaks HTTP/1.1")
    func noNegotiation() async throws {
        try await withServer([]) {
            $0.certificates = store
        } _: { server in
            let raw = try await RawClient(port: server.port, tls: try TestCertificate.client())
            try await raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await raw.answer().status == 200)
        }
    }

    @Test("new files are shown to new connections; connections that are open stay, and broken files change nothing")
    func reload() async throws {
        try await withServer([]) {
            $0.certificates = store
        } _: { server in
            func name() async throws -> String {
                let raw = try await RawClient(port: server.port, tls: client)
                try await raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await raw.answer().status == 200)
                let shown = try await raw.channel.pipeline.handler(type: NIOSSLClientHandler.self)
                    .flatMapThrowing { "\(String(describing: $0.peerCertificate))" }.get()
                await raw.close()
                return shown
            }
            let old = try await RawClient(port: server.port, tls: client)
            try await old.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await old.answer().status == 200)
            #expect(try await name().contains("first.test"))
            try certificate.renew(name: "second.test")
            #expect(store.reloadIfChanged() == .reloaded)
            #expect(try await name().contains("second.test"))
            try "nonsense".write(toFile: certificate.folder + "/key.pem", atomically: true, encoding: .utf8)
            guard case .failed = store.reloadIfChanged() else {
                Issue.record("a broken key was taken")
                return
            }
            #expect(try await name().contains("second.test"))
            try await old.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await old.answer().status == 200)
        }
    }

    @Test("a handshake that does not come to its end is cut, whatever the client drips")
    func slowHandshake() async throws {
        try await withServer([]) {
            $0.certificates = store
            $0.headerTimeout = .milliseconds(300)
        } _: { server in
            let silent = try await RawClient(port: server.port)
            let dripping = try await RawClient(port: server.port)
            // The head of a record with 512 bytes of handshake, and then one byte after the other.
            try? await dripping.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC])
            try await dripping.wait(for: "close") { client in
                client.channel.writeAndFlush(ByteBuffer(bytes: [0x03]), promise: nil)
                return client.isClosed
            }
            try await silent.waitForClose()
            try await eventually("both are gone") { server.server.openConnections == 0 }
        }
    }

    @Test("a request head that does not come after the handshake is cut within the same time")
    func slowHead() async throws {
        try await withServer([]) {
            $0.certificates = store
            $0.headerTimeout = .milliseconds(500)
        } _: { server in
            let raw = try await RawClient(port: server.port, tls: client)
            try? await raw.send("GET / HT")
            try await raw.waitForClose()
        }
    }

    @Test("plain HTTP sent to the TLS port is told so, in plain HTTP", arguments: ["GET", "post", "PRI"])
    func plainRequest(method: String) async throws {
        try await withServer([]) {
            $0.certificates = store
        } _: { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try await raw.answer()
            #expect(answer.status == 400)
            #expect(answer.text == "This port speaks TLS: use https://.\n")
            try await raw.waitForClose()
            #expect(server.gateway.forwarded.isEmpty)
        }
    }

    @Test("what is neither TLS nor HTTP is closed, and the server goes on")
    func nonsense() async throws {
        try await withServer([]) {
            $0.certificates = store
        } _: { server in
            for bytes in [
                [0x80, 0x2E, 0x01], [0x16, 0xFF, 0xFF, 0xFF, 0xFF], [0x00], [0x15, 0x03, 0x01, 0, 2, 2, 40],
            ] {
                let raw = try await RawClient(port: server.port)
                try await raw.send(bytes.map { UInt8($0) } + [UInt8](repeating: 0xAA, count: 400))
                try await raw.waitForClose()
            }
            let raw = try await RawClient(port: server.port, tls: client)
            try await raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await raw.answer().status == 200)
        }
    }

    @Test("TLS below 1.2 is refused")
    func oldVersion() async throws {
        try await withServer([]) {
            $0.certificates = store
        } _: { server in
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.certificateVerification = .none
            settings.minimumTLSVersion = .tlsv1
            settings.maximumTLSVersion = .tlsv11
            let raw = try await RawClient(port: server.port, tls: try NIOSSLContext(configuration: settings))
            try await raw.waitForClose()
        }
    }

    @Test("one connection too many is closed without a handshake")
    func connectionCap() async throws {
        try await withServer([]) {
            $0.certificates = store
            $0.maximumConnections = 1
        } _: { server in
            let first = try await RawClient(port: server.port, tls: client)
            try await first.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await first.answer().status == 200)
            let second = try await RawClient(port: server.port)
            try await second.waitForClose()
            #expect(second.bytes.isEmpty)
        }
    }

    @Test("a drain ends connections that are still shaking hands at once, and says goodbye to the others")
    func drain() async throws {
        let server = try await TestServer(features: [try TestFeatures.news()]) { $0.certificates = store }
        let socket = try await WebSocketProbe.open(server.port, tls: client)
        let shaking = try await RawClient(port: server.port)
        try await eventually("both are in") { server.server.openConnections == 2 }
        async let stopping: Void = server.server.stop(within: .seconds(600))
        try await shaking.waitForClose()
        try await socket.text(containing: "goodbye")
        #expect(try await socket.closeCode() == 1012)
        await socket.raw.close()
        await stopping
        await server.stop()
    }
}
