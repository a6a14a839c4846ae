import DoorbellCore
import DoorbellServer
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

/// Calls to the legacy API over a WebSocket.
@Suite struct RequestTests {
    private func open(_ server: TestServer, headers: [String] = []) async throws -> WebSocketProbe {
        let socket = try await WebSocketProbe.open(server.port, headers: headers)
        try await socket.text(containing: "welcome")
        return socket
    }

    @Test("a call is made with the handshake's credentials and answered with its id")
    func call() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            server.gateway.reply { _, body in
                .answer(
                    .created, ["content-type": "application/json", "x-legacy": "yes", "set-cookie": "s=2"],
                    Array(#"{"got":\#(body)}"#.utf8))
            }
            let socket = try await open(server, headers: ["Cookie: s=1", "Authorization: Bearer t"])
            try await socket.send(
                #"{"type":"request","id":"a","method":"POST","path":"/api/orders?x=1","headers":{"If-Match":"1"},"body":{"n":1}}"#
            )
            #expect(
                try await socket.text()
                    == #"{"type":"response","id":"a","status":201,"headers":{"content-type":"application/json","x-legacy":"yes"},"body":{"got":{"n":1}}}"#
            )
            let head = try unwrap(server.gateway.forwarded.first)
            #expect(head.method == .POST && head.uri == "/api/orders?x=1")
            #expect(head.headers["cookie"] == ["s=1"] && head.headers["authorization"] == ["Bearer t"])
            #expect(
                head.headers["if-match"] == ["1"] && head.headers["content-length"] == [#"{"n":1}"#.count.description])
            #expect(!head.headers.contains(name: "upgrade") && !head.headers.contains(name: "sec-websocket-key"))
            #expect(server.gateway.bodies == [#"{"n":1}"#])
        }
    }

    @Test("calls are open side by side, are answered as they end, and messages pass them")
    func concurrent() async throws {
        try await withServer([try TestFeatures.news()]) { server in
            server.gateway.reply { _, _ in .hold }
            let socket = try await open(server)
            for id in 1...3 {
                try await socket.send(#"{"type":"request","id":\#(id),"method":"GET","path":"/api/\#(id)"}"#)
            }
            try await eventually("all are open") { server.gateway.heldForwards == 3 }
            try await socket.send(#"{"type":"subscribe","channel":"news"}"#)
            try await socket.text(containing: "subscribed")
            try server.publish(["first"], on: "news")
            try await socket.text(containing: "first")
            server.gateway.releaseForwards(with: .answer(.ok, [:], Array("x".utf8)))
            for id in [3, 2, 1] { #expect(try await socket.text().contains(#""id":\#(id),"status":200"#)) }
        }
    }

    @Test("one call too many, a second one of the same name, and our own paths are refused by their id")
    func refused() async throws {
        try await withServer([try TestFeatures.news()], configure: { $0.session.openRequests = 1 }) { server in
            server.gateway.reply { _, _ in .hold }
            let socket = try await open(server)
            try await socket.send(#"{"type":"request","id":1,"method":"GET","path":"/a"}"#)
            try await eventually("it is open") { server.gateway.heldForwards == 1 }
            let mistakes = [
                (#"{"type":"request","id":2,"method":"GET","path":"/a"}"#, #""code":"limit""#),
                (#"{"type":"request","id":1,"method":"GET","path":"/a"}"#, #""code":"bad_request""#),
                (#"{"type":"request","id":3,"method":"GET","path":"/_doorbell/ws"}"#, #""code":"bad_request""#),
                (#"{"type":"request","id":3,"method":"CONNECT","path":"/a"}"#, #""code":"bad_request""#),
                (
                    #"{"type":"request","id":3,"method":"GET","path":"/a","headers":{"Cookie":"s=2"}}"#,
                    #""code":"bad_request""#
                ),
            ]
            for (message, code) in mistakes {
                try await socket.send(message)
                #expect(try await socket.text().contains(code), "\(message)")
            }
            #expect(server.gateway.forwarded.count == 1)
        }
    }

    @Test("an answer that is too long, or does not come in time, is an error, and the call is given up")
    func bounds() async throws {
        try await withServer([try TestFeatures.news()], configure: { $0.requestTimeout = .milliseconds(50) }) {
            server in
            server.gateway.reply { head, _ in
                head.uri == "/long" ? .answer(.ok, [:], [UInt8](repeating: 97, count: 1 << 20 + 1)) : .hold
            }
            let socket = try await open(server)
            try await socket.send(#"{"type":"request","id":1,"method":"GET","path":"/long"}"#)
            #expect(try await socket.text().contains(#""code":"limit""#))
            try await socket.send(#"{"type":"request","id":2,"method":"GET","path":"/slow"}"#)
            #expect(try await socket.text().contains(#""code":"upstream_unavailable""#))
            #expect(server.gateway.cancelled == 2)
        }
    }

    @Test("what the shim refuses and what it cannot reach are told apart")
    func failures() async throws {
        try await withServer([try TestFeatures.news()]) { server in
            server.gateway.reply { head, _ in
                .failure(GatewayFailure(head.uri == "/bad" ? .badRequest : .badGateway, "because"))
            }
            let socket = try await open(server)
            try await socket.send(#"{"type":"request","id":1,"method":"GET","path":"/bad"}"#)
            #expect(
                try await socket.text() == #"{"type":"error","code":"bad_request","message":"because","id":1}"#)
            try await socket.send(#"{"type":"request","id":2,"method":"GET","path":"/gone"}"#)
            #expect(
                try await socket.text() == #"{"type":"error","code":"upstream_unavailable","message":"because","id":2}"#
            )
        }
    }

    @Test("calls of a client that leaves are given up")
    func leaving() async throws {
        try await withServer([try TestFeatures.news()]) { server in
            server.gateway.reply { _, _ in .hold }
            let socket = try await open(server)
            for id in 1...5 {
                try await socket.send(#"{"type":"request","id":\#(id),"method":"GET","path":"/a"}"#)
            }
            try await eventually("all are open") { server.gateway.heldForwards == 5 }
            await socket.raw.close()
            try await eventually("all are given up") { server.gateway.cancelled == 5 }
            server.gateway.releaseForwards(with: .answer(.ok, [:], []))
            try await eventually("the connection is gone") { server.server.openConnections == 0 }
        }
    }

    @Test("a client that does not read is kept its budget of answers, and told which were dropped")
    func unread() async throws {
        let size = 300_000
        try await withServer([try TestFeatures.news()], configure: { $0.sendBudget = 1 << 20 }) { server in
            server.gateway.reply { _, _ in .hold }
            let socket = try await WebSocketProbe.open(server.port, stalled: true)
            for id in 1...16 {
                try await socket.send(#"{"type":"request","id":\#(id),"method":"GET","path":"/a"}"#)
            }
            try await eventually("all are open") { server.gateway.heldForwards == 16 }
            server.gateway.releaseForwards(with: .answer(.ok, [:], [UInt8](repeating: 97, count: size)))
            try await eventually("all are answered") { server.gateway.heldForwards == 0 }
            let report = await server.server.connections(limit: 10)
            #expect(report.connections.first.map { $0.bufferedBytes < 2 << 20 } == true, "\(report)")
            try await socket.raw.resume()
            _ = try await socket.raw.answer()
            var (answered, dropped) = (0, 0)
            while answered + dropped < 16 {
                let text = try await socket.text()
                if text.contains(#""type":"response""#) { answered += 1 }
                if text.contains(#""code":"limit""#) { dropped += 1 }
            }
            // What waits, what is queued, and what two kernels took.
            #expect(answered >= 4 && dropped >= 4, "\(answered) answered, \(dropped) dropped")
        }
    }
}
