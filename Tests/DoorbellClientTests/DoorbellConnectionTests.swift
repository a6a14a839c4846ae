import DoorbellClient
import DoorbellCore
import DoorbellWire
import NIOCore
import NIOPosix
import Testing

@Suite(.timeLimit(.minutes(1))) struct DoorbellConnectionTests {
    private func string(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    @Test("the request is what RFC 6455 and the caller ask for, and the messages come out")
    func converses() async throws {
        let seen = Locked<[String]>([])
        try await ScriptedServer.run { _, peer in
            let request = try await peer.accept(headers: ["sec-websocket-protocol: doorbell.v1", "X-A: b"])
            seen.withLock { $0 = request }
            try await peer.send("hello")
            while true { try await peer.send("echo " + peer.text()) }
        } while: { server in
            let connection = try await DoorbellConnection.connect(
                to: "http://127.0.0.1:\(server.port)/api/orders?x=1#part",
                headers: [("Authorization", "Bearer t"), ("Upgrade", "h2c")],
                subprotocols: ["doorbell.v1", "bearer.t"])
            #expect(connection.subprotocol == "doorbell.v1")
            #expect(connection.responseHeaders.contains { $0 == (name: "X-A", value: "b") })
            var messages = connection.messages.makeAsyncIterator()
            #expect(string(await messages.next()) == "hello")
            try await connection.send("ä")
            #expect(string(await messages.next()) == "echo ä")
            try await connection.subscribe(channel: "a\"b", since: "7.1-1", versions: [.first], id: "i")
            #expect(
                string(await messages.next())
                    == #"echo {"type":"subscribe","channel":"a\"b","since":"7.1-1","version":1,"id":"i"}"#)
            try await connection.subscribe(poll: "/a", versions: [try #require(SchemaVersion(2)), .first])
            #expect(string(await messages.next()) == #"echo {"type":"subscribe","poll":"/a","version":[2,1]}"#)
            try await connection.unsubscribe(channel: "a")
            #expect(string(await messages.next()) == #"echo {"type":"unsubscribe","channel":"a"}"#)
            connection.startClosing()
        }
        let request = seen.withLock { $0 }
        #expect(request.first == "GET /api/orders?x=1 HTTP/1.1")
        for line in [
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Authorization: Bearer t",
            "Sec-WebSocket-Protocol: doorbell.v1, bearer.t",
        ] {
            #expect(request.contains(line))
        }
        #expect(request.contains { $0.hasPrefix("Host: 127.0.0.1:") })
        let key = request.first { $0.hasPrefix("Sec-WebSocket-Key: ") }.map { String($0.dropFirst(19)) }
        #expect(WebSocketHandshake.isValid(key: key ?? ""))
    }

    @Test("messages and a ping in the same packet as the 101 are not lost")
    func behindTheHandshake() async throws {
        let pong = Locked<WebSocketFrameParser.Event?>(nil)
        try await ScriptedServer.run { _, peer in
            let burst =
                WebSocketFrame.encode(.ping, [1]) + WebSocketFrame.encode(.text, Array("one".utf8))
                + WebSocketFrame.encode(.text, Array("t".utf8), isFinal: false) + WebSocketFrame.encode(.ping, [2])
                + WebSocketFrame.encode(.continuation, Array("wo".utf8))
            try await peer.accept(after: burst)
            let answer = try await peer.next()
            pong.withLock { $0 = answer }
            try await peer.send("end")
            await peer.untilGone()
        } while: { server in
            let connection = try await DoorbellConnection.connect(to: server.url)
            var messages = connection.messages.makeAsyncIterator()
            for expected in ["one", "two", "end"] { #expect(string(await messages.next()) == expected) }
            await connection.close()
        }
        // The newest ping is answered; older ones of the same read need not be.
        #expect(pong.withLock { $0 } == .pong([2]))
    }

    @Test("an HTTP answer instead of an upgrade is thrown with its status, headers and body")
    func refused() async throws {
        try await ScriptedServer.run { _, peer in
            _ = try await peer.request()
            try await peer.write("HTTP/1.1 403 Forbidden\r\nX-Why: no\r\nContent-Length: 6\r\n\r\ndenied")
            await peer.untilGone()
        } while: { server in
            let error = await #expect(throws: ConnectError.self) {
                _ = try await DoorbellConnection.connect(to: server.url)
            }
            guard case .refused(let refusal) = error else {
                Issue.record("not a refusal: \(String(describing: error))")
                return
            }
            #expect(refusal.status == 403)
            #expect(refusal.header("x-why") == "no")
            #expect(string(refusal.body) == "denied")
            #expect(error?.mayRetry == false)
        }
    }

    @Test("a refusal whose body never ends is cut at 64 KiB")
    func endlessRefusal() async throws {
        try await ScriptedServer.run { _, peer in
            _ = try await peer.request()
            try await peer.write("HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n")
            while true { try await peer.write("4000\r\n" + String(repeating: "x", count: 0x4000) + "\r\n") }
        } while: { server in
            let error = await #expect(throws: ConnectError.self) {
                _ = try await DoorbellConnection.connect(to: server.url)
            }
            guard case .refused(let refusal) = error else {
                Issue.record("not a refusal: \(String(describing: error))")
                return
            }
            #expect(refusal.body.count == 65536)
            #expect(error?.mayRetry == true)
        }
    }

    static let wrongAnswers: [(String, @Sendable (String) -> String)] = [
        ("another key's answer", { $0.replacing("sec-websocket-accept: ", with: "sec-websocket-accept: x") }),
        ("no Upgrade", { $0.replacing("upgrade: WebSocket\r\n", with: "upgrade: h2c\r\n") }),
        ("no Connection", { $0.replacing("keep-alive, upgrade", with: "keep-alive") }),
        (
            "an extension",
            { $0.replacing("\r\n\r\n", with: "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n") }
        ),
        ("another subprotocol", { $0.replacing("\r\n\r\n", with: "\r\nSec-WebSocket-Protocol: chat\r\n\r\n") }),
    ]

    @Test("a wrong 101 is refused", arguments: wrongAnswers.indices)
    func wrongAnswer(_ index: Int) async throws {
        let (_, change) = Self.wrongAnswers[index]
        try await ScriptedServer.run { _, peer in
            let request = try await peer.request()
            try await peer.write(change(ScriptedServer.Peer.answer(request)))
            await peer.untilGone()
        } while: { server in
            let error = await #expect(throws: ConnectError.self) {
                _ = try await DoorbellConnection.connect(to: server.url)
            }
            guard case .invalidHandshake = error else {
                Issue.record("not a handshake error: \(String(describing: error))")
                return
            }
        }
    }

    @Test("a server that says nothing is not waited for, and one that hangs up is noticed")
    func silence() async throws {
        try await ScriptedServer.run { number, peer in
            if number == 0 { await peer.ignore() } else { _ = try await peer.request() }
        } while: { server in
            var options = ConnectionOptions()
            options.handshakeTimeout = .milliseconds(100)
            let first = await #expect(throws: ConnectError.self) {
                _ = try await DoorbellConnection.connect(to: server.url, options: options)
            }
            guard case .timedOut = first else {
                Issue.record("\(String(describing: first))")
                return
            }
            let second = await #expect(throws: ConnectError.self) {
                _ = try await DoorbellConnection.connect(to: server.url)
            }
            guard case .closed = second else {
                Issue.record("\(String(describing: second))")
                return
            }
        }
    }

    @Test("a header that would smuggle another is refused before anything is sent")
    func smuggling() async throws {
        try await ScriptedServer.run { _, peer in
            try await peer.accept()
            await peer.untilGone()
        } while: { server in
            await #expect(throws: (any Error).self) {
                var options = ConnectionOptions()
                options.handshakeTimeout = .milliseconds(500)
                _ = try await DoorbellConnection.connect(
                    to: server.url, headers: [("X-A", "b\r\nX-Evil: 1")], options: options)
            }
        }
    }

    @Test("what the server closes with is told, and answered with the same code")
    func closedByServer() async throws {
        let answers = Locked<[WebSocketFrameParser.Event]>([])
        try await ScriptedServer.run { number, peer in
            try await peer.accept()
            try await peer.write(number == 0 ? WebSocketFrame.close(.slowConsumer) : WebSocketFrame.encode(.close, []))
            let answer = try await peer.next()
            answers.withLock { $0.append(answer) }
        } while: { server in
            let first = try await DoorbellConnection.connect(to: server.url)
            #expect(await first.waitForClose() == ConnectionEnd(cause: .server, code: .slowConsumer))
            for await _ in first.messages { Issue.record("a message out of nothing") }
            await #expect(throws: (any Error).self) { try await first.send("late") }
            let second = try await DoorbellConnection.connect(to: server.url)
            #expect(await second.waitForClose().code.number == 1005)
        }
        #expect(answers.withLock { $0 } == [.close(code: 4000, reason: ""), .close(code: nil, reason: "")])
    }

    @Test("close sends the code and waits for the server's answer, though nobody takes the messages before it")
    func closedByClient() async throws {
        let seen = Locked<WebSocketFrameParser.Event?>(nil)
        try await ScriptedServer.run { _, peer in
            let unread = WebSocketFrame.encode(.text, Array("unread".utf8))
            try await peer.accept(after: Array(repeatElement(unread, count: 1000).joined()))
            let event = try await peer.next()
            seen.withLock { $0 = event }
            try await peer.write(WebSocketFrame.close(.normal))
        } while: { server in
            // The server's answer ends the connection, not the time: the script may be held up for long.
            var options = ConnectionOptions()
            options.closeTimeout = .minutes(5)
            let connection = try await DoorbellConnection.connect(to: server.url, options: options)
            await connection.close(CloseCode(number: 4100, reason: "bye"))
            #expect(
                await connection.waitForClose()
                    == ConnectionEnd(cause: .client, code: CloseCode(number: 4100, reason: "bye")))
        }
        #expect(seen.withLock { $0 } == .close(code: 4100, reason: "bye"))
    }

    @Test("a server that never answers a close is left after the timeout")
    func closeTimeout() async throws {
        try await ScriptedServer.run { _, peer in
            try await peer.accept()
            await peer.ignore()
        } while: { server in
            var options = ConnectionOptions()
            options.closeTimeout = .milliseconds(50)
            let connection = try await DoorbellConnection.connect(to: server.url, options: options)
            await connection.close()
            #expect(await connection.waitForClose().cause == .client)
        }
    }

    @Test("a connection that breaks off delivers what came and says that it was lost")
    func lost() async throws {
        try await ScriptedServer.run { _, peer in
            try await peer.accept()
            for _ in 0..<10 { try await peer.send("m") }
        } while: { server in
            var options = ConnectionOptions()
            options.maximumBufferedMessages = 2
            let connection = try await DoorbellConnection.connect(to: server.url, options: options)
            var count = 0
            for await _ in connection.messages { count += 1 }
            #expect(count == 10)
            let end = await connection.waitForClose()
            #expect(end.cause == .lost)
            #expect(end.code.number == 1006)
            #expect(end.mayReconnect)
        }
    }

    @Test("a frame that breaks the RFC, and a message above the limit, end the connection with their code")
    func violations() async throws {
        let answers = Locked<[WebSocketFrameParser.Event]>([])
        try await ScriptedServer.run { number, peer in
            try await peer.accept()
            let frames = [
                WebSocketFrame.encode(.text, [0x61], mask: 1), WebSocketFrame.encode(.text, [0xFF]),
                WebSocketFrame.encode(.text, Array("12345".utf8)),
            ]
            try await peer.write(frames[number])
            let answer = try await peer.next()
            answers.withLock { $0.append(answer) }
        } while: { server in
            var options = ConnectionOptions()
            options.maximumMessageSize = 4
            for number: UInt16 in [1002, 1007, 1009] {
                let end = await (try DoorbellConnection.connect(to: server.url, options: options)).waitForClose()
                #expect(end.cause == .violation)
                #expect(end.code.number == number)
                #expect(!end.mayReconnect)
            }
        }
        let codes = answers.withLock { $0 }.map { if case .close(let code, _) = $0 { code } else { UInt16?.none } }
        #expect(codes.sorted { ($0 ?? 0) < ($1 ?? 0) } == [1002, 1007, 1009])
    }

    @Test("a full buffer stops reading until messages are taken, and none is lost")
    func backpressure() async throws {
        let sent = Locked(0)
        let payload = String(repeating: "x", count: 10_000)
        try await ScriptedServer.run { _, peer in
            try await peer.accept()
            // Far more than the kernel takes for two sockets on the loopback.
            for number in 0..<4000 {
                try await peer.send("\(number) \(payload)")
                sent.withLock { $0 += 1 }
            }
            await peer.untilGone()
        } while: { server in
            var options = ConnectionOptions()
            options.maximumBufferedMessages = 8
            let connection = try await DoorbellConnection.connect(to: server.url, options: options)
            // The server comes to a stop well before the end: its count stands still.
            var before = -1
            while true {
                let now = sent.withLock { $0 }
                if now == before, now > 8 { break }
                before = now
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(before < 4000)
            var expected = 0
            for await message in connection.messages {
                #expect(message.starts(with: Array("\(expected) x".utf8)))
                expected += 1
                if expected == 4000 { break }
            }
            #expect(expected == 4000)
            await connection.close()
        }
    }

    @Test("after the loop over the messages is left, pings and closes are still answered")
    func abandonedLoop() async throws {
        let pong = Locked<WebSocketFrameParser.Event?>(nil)
        try await ScriptedServer.run { _, peer in
            try await peer.accept()
            try await peer.send("first")
            _ = try await peer.text()
            for _ in 0..<1000 { try await peer.send("dropped") }
            try await peer.write(WebSocketFrame.encode(.ping, [7]))
            let answer = try await peer.next()
            pong.withLock { $0 = answer }
            try await peer.write(WebSocketFrame.close(.goingAway))
        } while: { server in
            let connection = try await DoorbellConnection.connect(to: server.url)
            for await _ in connection.messages { break }
            try await connection.send("go on")
            #expect(await connection.waitForClose() == ConnectionEnd(cause: .server, code: .goingAway))
        }
        #expect(pong.withLock { $0 } == .pong([7]))
    }

    @Test("the callback gets every message on the event loop")
    func callback() async throws {
        try await ScriptedServer.run { _, peer in
            try await peer.accept()
            for number in 0..<100 { try await peer.send("\(number)") }
            try await peer.write(WebSocketFrame.close(.normal))
            await peer.untilGone()
        } while: { server in
            let received = Locked<[String]>([])
            var options = ConnectionOptions()
            options.readSize = 512
            let connection = try await DoorbellConnection.open(to: server.url, options: options) { message in
                received.withLock { $0.append(String(decoding: message, as: UTF8.self)) }
            }.get()
            #expect(await connection.waitForClose().code == .normal)
            #expect(received.withLock { $0 } == (0..<100).map(String.init))
            for await _ in connection.messages { Issue.record("the callback has them") }
        }
    }

    @Test("a watched connection on which nothing arrives is asked with a ping, and then given up")
    func watched() async throws {
        let first = Locked<WebSocketFrameParser.Event?>(nil)
        try await ScriptedServer.run { _, peer in
            try await peer.accept()
            let event = try await peer.next()
            first.withLock { $0 = event }
            await peer.untilGone()
        } while: { server in
            let connection = try await DoorbellConnection.connect(to: server.url)
            connection.watch(heartbeat: .milliseconds(50))
            let end = await connection.waitForClose()
            #expect(end.cause == .lost)
            #expect(end.code.reason.hasPrefix("nothing arrived for"))
        }
        #expect(first.withLock { $0 } == .ping([]))
    }

    @Test("nobody listens there: the network's error is thrown")
    func nobody() async throws {
        let port = Locked(0)
        try await ScriptedServer.run { _, _ in
        } while: { server in
            port.withLock { $0 = server.port }
        }
        let url = "ws://127.0.0.1:\(port.withLock { $0 })"
        await #expect(throws: NIOConnectionError.self) { _ = try await DoorbellConnection.connect(to: url) }
    }
}
