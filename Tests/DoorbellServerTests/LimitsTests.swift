import DoorbellAuth
import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellTestSupport
import NIOCore
import Testing

/// What one client may use up, apart from what `HTTPServerTests`, `WebSocketLimitsTests` and `HTTP2ServerTests` hold.
@Suite struct LimitsTests {
    @Test("one address has so many connections and no more; others have theirs, and room comes back")
    func connectionsOfAnAddress() async throws {
        try await withServer([]) {
            $0.addressLimits.connectionsPerAddress = 2
            $0.addressLimits.unlimited = [AddressRange("127.0.0.3")].compactMap { $0 }
        } _: { server in
            func isServed(_ client: RawClient) async throws -> Bool {
                try? await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                return try await client.answer().status == 200
            }
            let first = try await RawClient(port: server.port)
            let second = try await RawClient(port: server.port)
            #expect(try await isServed(first))
            #expect(try await isServed(second))
            let third = try await RawClient(port: server.port)
            try await third.waitForClose()
            #expect(third.text.isEmpty || third.text.hasPrefix("HTTP/1.1 503"))
            #if os(Linux)
            let neighbour = try await RawClient(port: server.port, from: "127.0.0.2")
            #expect(try await isServed(neighbour))
            for _ in 0..<4 {
                let unlimited = try await RawClient(port: server.port, from: "127.0.0.3")
                #expect(try await isServed(unlimited))
            }
            #expect(server.server.openConnections == 7)
            #endif
            await first.close()
            try await eventually("there is room") {
                let again = try await RawClient(port: server.port)
                return (try? await isServed(again)) == true
            }
        }
    }

    @Test("a head that is dripped byte by byte is cut: bytes buy no time", arguments: [true, false])
    func drippedHead(isFirst: Bool) async throws {
        try await withServer([]) {
            $0.headerTimeout = isFirst ? .milliseconds(300) : .seconds(3600)
            $0.idleTimeout = isFirst ? .seconds(3600) : .milliseconds(300)
        } _: { server in
            let slow = try await RawClient(port: server.port)
            if !isFirst {
                try await slow.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await slow.answer().status == 200)
            }
            try? await slow.send("GET / HTTP/1.1\r\nX: ")
            try await slow.wait(for: "close") { client in
                client.channel.writeAndFlush(ByteBuffer(string: "x"), promise: nil)
                return client.isClosed
            }
            #expect(server.gateway.forwarded.count == (isFirst ? 0 : 1))
        }
    }

    @Test("one connection has so many subscriptions: one more is an error, and the connection lives")
    func subscriptions() async throws {
        try await withServer([try TestFeatures.notifications(authorize: .public)]) {
            $0.session.subscriptions = 2
        } _: { server in
            let socket = try await WebSocketProbe.open(server.port)
            for user in 1...3 {
                try await socket.send(#"{"type":"subscribe","channel":"user:\#(user):notifications","id":\#(user)}"#)
            }
            let refusal = try await socket.text(containing: "error")
            #expect(refusal.contains(#""code":"limit""#) && refusal.contains(#""id":3"#))
            #expect(server.hub.usage.subscriptions == 2)
            try await socket.send(#"{"type":"unsubscribe","channel":"user:1:notifications"}"#)
            try await socket.text(containing: "unsubscribed")
            try await socket.send(#"{"type":"subscribe","channel":"user:3:notifications"}"#)
            try await socket.text(containing: "subscribed")
        }
    }

    @Test("a client that takes nothing of a long answer is closed at the deadline")
    func unreadAnswer() async throws {
        try await withServer([try TestFeatures.news()]) {
            $0.stallTimeout = .milliseconds(300)
            $0.sendBudget = 16 << 10
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            let stalled = try await EventStreamProbe.open(
                server.port, path: "/_doorbell/sse?channel=news", stalled: true)
            try await eventually("it is subscribed") { server.hub.usage.subscriptions == 1 }
            let text = String(repeating: "x", count: 8 << 10)
            for _ in 0..<64 { try server.publish([text], on: "news") }
            try await eventually("it is gone") { server.server.openConnections == 0 }
            try await stalled.raw.resume()
            try await stalled.raw.waitForClose()
        }
    }
}
