import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellTestSupport
import DoorbellWire
import NIOCore
import Testing

@Suite struct WebSocketLimitsTests {
    let channel = "user:42:notifications"
    let subscribe = #"{"type":"subscribe","channel":"user:42:notifications"}"#

    @Test(
        "bad frames end the connection with the code that says why",
        arguments: [
            ([0x81, 0x01, 0x61], 1002),  // not masked
            ([0xC1, 0x80, 0, 0, 0, 0], 1002),  // a reserved bit
            ([0x83, 0x80, 0, 0, 0, 0], 1002),  // a reserved opcode
            ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),  // not UTF-8
            ([0x82, 0x81, 0, 0, 0, 0, 0x61], 1003),  // binary
            ([0x81, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0], 1009),  // a MiB is announced
            ([0x88, 0x81, 0, 0, 0, 0, 0x03], 1002),  // half a close code
        ] as [([UInt8], UInt16)])
    func badFrames(bytes: [UInt8], code: UInt16) async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.raw.send(bytes)
            #expect(try await socket.closeCode() == code)
            try await socket.raw.waitForClose()
            try await eventually("the connection is gone") { server.server.openConnections == 0 }
        }
    }

    @Test("a text that is no message is answered and the connection lives")
    func badMessage() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send("{nonsense")
            #expect(try await socket.text(containing: "error").contains("bad_request"))
            try await socket.send(#"{"type":"ping"}"#)
            try await socket.text(containing: "pong")
        }
    }

    @Test("a client's close is answered with its own code and the socket is closed")
    func close() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.raw.send(WebSocketFrame.close(CloseCode(number: 3001, reason: "bye"), mask: 5))
            #expect(try await socket.closeCode() == 3001)
            try await socket.raw.waitForClose()
        }
    }

    @Test("a WebSocket ping is answered with its payload")
    func ping() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            _ = try await socket.text()
            try await socket.raw.send(WebSocketFrame.encode(.ping, [1, 2, 3], mask: 5))
            #expect(try await socket.next() == .pong([1, 2, 3]))
        }
    }

    @Test("too many messages: 4502")
    func rate() async throws {
        try await withServer([try TestFeatures.notifications()]) {
            $0.session = SessionLimits(messagesPerSecond: 0.001, messageBurst: 5)
        } _: { server in
            let socket = try await WebSocketProbe.open(server.port)
            for _ in 0..<6 { try await socket.send(#"{"type":"ping"}"#) }
            #expect(try await socket.closeCode() == 4502)
        }
    }

    @Test("a client that says nothing for two heartbeats is closed with 4001; pings come before")
    func heartbeat() async throws {
        try await withServer([try TestFeatures.notifications()]) {
            $0.session = SessionLimits(heartbeat: .milliseconds(50))
        } _: { server in
            let silent = try await WebSocketProbe.open(server.port)
            #expect(try await silent.closeCode() == 4001)
        }
        try await withServer([try TestFeatures.notifications()]) {
            $0.session = SessionLimits(heartbeat: .seconds(3))
        } _: { server in
            let answering = try await WebSocketProbe.open(server.port)
            _ = try await answering.text()
            let ping = try await answering.next()
            #expect(ping == .ping([]))
        }
    }

    @Test("capture down for longer than the grace sends everyone back to polling; a short outage nobody")
    func captureDown() async throws {
        try await withServer([try TestFeatures.notifications()]) {
            $0.captureGrace = .milliseconds(100)
        } _: { server in
            let socket = try await WebSocketProbe.open(server.port)
            _ = try await socket.text()
            server.server.captureChanged(to: .down(reason: "x"))
            server.server.captureChanged(to: .live(leader: true))
            server.server.captureChanged(to: .down(reason: "y"))
            #expect(try await socket.closeCode() == 4002)
        }
        try await withServer([try TestFeatures.notifications()]) {
            $0.captureGrace = .milliseconds(1)
        } _: { server in
            let socket = try await WebSocketProbe.open(server.port)
            _ = try await socket.text()
            server.server.captureChanged(to: .live(leader: false))
            try await socket.send(#"{"type":"ping"}"#)
            try await socket.text(containing: "pong")
        }
    }

    @Test("a drain says goodbye with a spread and closes with 1012, and ends when everybody has left")
    func drain() async throws {
        // An address of its own: on the common one a server of another test may be given the port as soon as it is free.
        #if os(Linux)
        let host = "127.0.0.2"
        #else
        let host = "127.0.0.1"
        #endif
        let server = try await TestServer(features: [try TestFeatures.notifications()]) {
            $0.reconnectSpread = .seconds(3)
            $0.host = host
        }
        var sockets: [WebSocketProbe] = []
        for _ in 0..<5 { sockets.append(try await WebSocketProbe.open(server.port, host: host)) }
        let port = server.port
        async let stopping: Void = server.server.stop(within: .seconds(10))
        for socket in sockets {
            let goodbye = try await socket.text(containing: "goodbye")
            let after = goodbye.split(separator: ":").last.flatMap { Int($0.dropLast()) }
            #expect(after.map { (0...3000).contains($0) } == true)
            #expect(try await socket.closeCode() == 1012)
            // A client that is slow to answer is not waited for.
            try? await socket.raw.send(WebSocketFrame.close(CloseCode(number: 1012, reason: ""), mask: 1))
            try await socket.raw.waitForClose()
        }
        await stopping
        #expect(server.server.openConnections == 0)
        await #expect(throws: (any Error).self) { _ = try await RawClient(port: port, host: host) }
        await server.stop()
    }

    @Test(
        "a handshake that waits for the legacy API when a drain begins, or capture ends, is refused",
        arguments: [true, false])
    func handshakeAcrossTheEnd(isDrain: Bool) async throws {
        let server = try await TestServer(features: [try TestFeatures.notifications()])
        server.gateway.hold()
        let client = try await RawClient(port: server.port)
        try await client.send(WebSocketProbe.handshake("/api/users/42/notifications"))
        try await eventually("the question") { server.gateway.asked.count == 1 }
        async let stopping: Void = isDrain ? server.server.stop(within: .seconds(600)) : ()
        if isDrain {
            try await eventually("the drain") { server.server.boundPort == nil }
        } else {
            server.server.captureChanged(to: .down(reason: "x"))
        }
        server.gateway.releaseAll()
        #expect(try await client.answer().status == 503)
        try await client.waitForClose()
        await stopping
        await server.stop()
    }

    @Test("too many WebSocket pings: 4502")
    func pingRate() async throws {
        try await withServer([try TestFeatures.notifications()]) {
            $0.session = SessionLimits(messagesPerSecond: 0.001, messageBurst: 5)
        } _: { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.raw.send((0..<6).flatMap { WebSocketFrame.encode(.ping, [UInt8($0)], mask: 5) })
            _ = try await socket.text()
            for number in 0..<5 as Range<UInt8> { #expect(try await socket.next() == .pong([number])) }
            #expect(try await socket.closeCode() == 4502)
        }
    }

    @Test("a thousand clients that come, subscribe and leave in every way leave nothing behind")
    func comingAndGoing() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            for round in 0..<100 {
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for client in 0..<10 {
                        tasks.addTask {
                            let socket = try await WebSocketProbe.open(server.port)
                            try await socket.send(subscribe)
                            // Some leave while they are being asked for.
                            if client == 0 { return await socket.raw.close() }
                            try await socket.text(containing: "subscribed")
                            if client == 1 { try await socket.send(#"{"type":"unsubscribe","channel":"\#(channel)"}"#) }
                            if client > 5 {
                                try await socket.raw.send(WebSocketFrame.close(.normal, mask: 7))
                                return try await socket.raw.waitForClose()
                            }
                            await socket.raw.close()
                        }
                    }
                    try server.publish(["round \(round)"], on: channel)
                    try await tasks.waitForAll()
                }
            }
            try await eventually("all have left") {
                server.server.openConnections == 0 && server.hub.usage.subscriptions == 0
            }
            #expect(server.deliveries.openSubscriptions == 0)
            #expect(server.hub.usage.channels == 1)
        }
    }

    @Test("a client that breaks the protocol is told the code and closed at once, not waited for")
    func broken() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            _ = try await socket.text(containing: "welcome")
            // Reserved bits, and more after it that nobody understands.
            let started = ContinuousClock.now
            try await socket.raw.send([0xF1, 0x80, 1, 2, 3, 4] + [UInt8](repeating: 0x55, count: 1000))
            #expect(try await socket.closeCode() == 1002)
            try await socket.raw.waitForClose()
            #expect(ContinuousClock.now - started < .seconds(2), "the time that a silent peer is given")
            try await eventually("it is gone") { server.server.openConnections == 0 }
        }
    }

    // MARK: Slow readers

    @Test("once a message was dropped, a client of a feature that disconnects gets none of those after it")
    func nothingAfterAHole() async throws {
        try await withServer([try TestFeatures.notifications(slow: .disconnect)]) {
            $0.sendBudget = 16 << 10
        } _: { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(subscribe)
            try await socket.text(containing: "subscribed")
            try server.publish(["before", String(repeating: "x", count: 32 << 10), "behind the hole"], on: channel)
            #expect(try await socket.text().contains("before"))
            #expect(try await socket.next() == .close(code: 4000, reason: CloseCode.slowConsumer.reason))
        }
    }

    @Test("a client that asks for history again and again without reading it is not worked for")
    func noReplayWhileUnwritable() async throws {
        try await withServer([try TestFeatures.news()]) {
            $0.sendBudget = 16 << 10
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            let text = String(repeating: "x", count: 8 << 10)
            for _ in 0..<16 { try server.publish(Array(repeating: text, count: 2), on: "news") }
            let stalled = try await WebSocketProbe.open(server.port, stalled: true)
            let pair = [
                #"{"type":"subscribe","channel":"news","since":"earliest"}"#,
                #"{"type":"unsubscribe","channel":"news"}"#,
            ]
            let count = 50
            try await stalled.raw.send(
                (0..<count).flatMap { _ in pair.flatMap { WebSocketFrame.encode(.text, Array($0.utf8), mask: 9) } })
            try await eventually("it begins") { server.deliveries.subscribed > 0 }
            var (last, next) = (-1, server.deliveries.subscribed)
            while last != next {
                try await Task.sleep(for: .milliseconds(150))
                (last, next) = (next, server.deliveries.subscribed)
            }
            #expect(next < 10, "each is 256 KiB of history")
            try await stalled.raw.resume()
            _ = try await stalled.raw.answer()
            for _ in 0..<count { try await stalled.text(containing: #""type":"unsubscribed""#) }
            #expect(server.deliveries.subscribed == count)
        }
    }

    /// Publishes batches until the hub's clients have been owed `bytes`.
    func flood(_ server: TestServer, megabytes: Int) async throws {
        let text = String(repeating: "x", count: 8 << 10)
        for _ in 0..<(megabytes * 16) {
            try server.publish(Array(repeating: text, count: 8), on: channel)
            await Task.yield()
        }
    }

    @Test("a stalled client costs its budget: it is told reset when it reads again, the others miss nothing")
    func slowReset() async throws {
        try await withServer([try TestFeatures.notifications(slow: .reset)]) { server in
            let stalled = try await WebSocketProbe.open(server.port, stalled: true)
            try await stalled.send(subscribe)
            let healthy = try await WebSocketProbe.open(server.port)
            try await healthy.send(subscribe)
            try await healthy.text(containing: "subscribed")
            try await eventually("both are subscribed") { server.hub.usage.subscriptions == 2 }

            // What the kernel takes on both sides is some hundred KiB at most; 16 MiB can only be dropped.
            let text = String(repeating: "x", count: 8 << 10)
            for index in 0..<256 {
                try server.publish(Array(repeating: text, count: 8) + ["mark \(index)."], on: channel)
                try await healthy.text(containing: "mark \(index).")
            }
            let told = server.deliveries.list.reduce(0) { $0 + $1.bytes }
            #expect(told < (256 * 9 * (9 << 10)) + (4 << 20), "the stalled client was queued little: \(told)")

            try await stalled.raw.resume()
            _ = try await stalled.raw.answer()
            let reset = try await stalled.text(containing: #""type":"reset""#)
            #expect(reset.contains("slow consumer"))
            try server.publish(["after the reset"], on: channel)
            try await stalled.text(containing: "after the reset")
            let buffers = server.deliveries.buffers
            #expect(buffers.resets == 1 && buffers.behind > 0 && buffers.waitingBytes > 0 && buffers.closed == 0)
        }
    }

    @Test("a stalled client of a feature that disconnects is closed with 4000, and its subscription goes")
    func slowDisconnect() async throws {
        try await withServer([try TestFeatures.notifications(slow: .disconnect)]) { server in
            let stalled = try await WebSocketProbe.open(server.port, stalled: true)
            try await stalled.send(subscribe)
            try await eventually("it is subscribed") { server.hub.usage.subscriptions == 1 }
            let text = String(repeating: "x", count: 8 << 10)
            try await eventually("it is given up") {
                try server.publish(Array(repeating: text, count: 8), on: channel)
                return server.hub.usage.subscriptions == 0
            }
            try await eventually("it is closed although it never read") { server.server.openConnections == 0 }
            #expect(server.deliveries.buffers.closed == 1 && server.deliveries.buffers.resets == 0)
        }
    }

    /// A client that comes back after a while gets a replay larger than its budget, and a live message right behind it.
    @Test("a replay is not held against the live messages that follow it")
    func replayBeyondTheBudget() async throws {
        try await withServer([try TestFeatures.notifications(slow: .reset)]) {
            $0.sendBudget = 64 << 10
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            let first = try server.publish(["begin"], on: channel)
            let text = String(repeating: "x", count: 8 << 10)
            for _ in 0..<32 { try server.publish(Array(repeating: text, count: 8), on: channel) }
            let client = try await WebSocketProbe.open(server.port, stalled: true)
            try await client.send(
                #"{"type":"subscribe","channel":"user:42:notifications","since":"\#(first)"}"#)
            try await eventually("it is subscribed") { server.hub.usage.subscriptions == 1 }
            try server.publish(["live"], on: channel)
            try await client.raw.resume()
            _ = try await client.raw.answer()
            try await client.text(containing: "subscribed")
            for _ in 0..<(32 * 8) { #expect(try await client.text().contains("xxxx")) }
            #expect(try await client.text().contains("live"))
        }
    }

    @Test("a client that asks without reading is held back, and gets every answer once it reads")
    func noReadingWhileUnwritable() async throws {
        try await withServer([try TestFeatures.notifications()]) {
            $0.session = SessionLimits(messagesPerSecond: 1e9, messageBurst: 1e9, heartbeat: .seconds(3600))
            $0.sendBudget = 16 << 10
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            let stalled = try await WebSocketProbe.open(server.port, stalled: true)
            var flood: [UInt8] = []
            for index in 0..<5000 {
                flood += WebSocketFrame.encode(.text, Array(#"{"type":"ping","id":\#(index)}"#.utf8), mask: 3)
            }
            let sending = stalled.raw.channel.writeAndFlush(ByteBuffer(bytes: flood)) as EventLoopFuture<Void>
            try await stalled.raw.resume()
            try await sending.get()
            _ = try await stalled.raw.answer()
            _ = try await stalled.text(containing: "welcome")
            for index in 0..<5000 { #expect(try await stalled.text() == #"{"type":"pong","id":\#(index)}"#) }
        }
    }
}
