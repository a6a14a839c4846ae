import DoorbellAuth
import DoorbellCore
import DoorbellHub
import DoorbellTestSupport
import DoorbellWire
import NIOHTTP1
import Testing

@testable import DoorbellServer

/// Tokens on a living connection.
@Suite struct TokenLifeTests {
    let tokens = TestTokens()

    @Test("a connection ends with 4500 when its token does, not at its next heartbeat")
    func expiry() async throws {
        let token = tokens.token("ann", lasting: 60, claims: #""org":"7""#)
        try await withTokens([try TestFeatures.orders()], tokens) { server in
            let header = "Authorization: Bearer \(token)"
            let socket = try await WebSocketProbe.open(server.port, headers: [header])
            let events = try await EventStreamProbe.open(
                server.port, path: "/_doorbell/sse?channel=org:7:orders", headers: [header])
            while try await !events.next().data.contains(#""type":"subscribed""#) {}
            tokens.advance(seconds: 59)
            try await socket.send(#"{"type":"ping","id":1}"#)
            try await socket.text(containing: "pong")
            let start = ContinuousClock.now
            tokens.advance(seconds: 1)
            #expect(try await socket.closeCode() == 4500)
            var last = ""
            while !last.contains("closed") { last = try await events.next().data }
            #expect(last.contains(#""code":4500"#))
            #expect(ContinuousClock.now - start < .seconds(10))
            try await eventually("nobody listens") { server.hub.usage.subscriptions == 0 }
        }
    }

    @Test("a refreshed connection outlives its first token, and the legacy API is shown the second")
    func refresh() async throws {
        let first = tokens.token("ann", lasting: 60, claims: #""org":"7""#)
        try await withTokens([try TestFeatures.orders(), try TestFeatures.notifications()], tokens) { server in
            let socket = try await WebSocketProbe.open(server.port, headers: ["Authorization: Bearer \(first)"])
            try await socket.send(#"{"type":"subscribe","channel":"org:7:orders"}"#)
            try await socket.text(containing: #""type":"subscribed""#)
            let second = tokens.token("ann", lasting: 600, claims: #""org":"7""#)
            try await socket.send(#"{"type":"refresh","token":"\#(second)","id":9}"#)
            let refreshed = try await socket.text(containing: "refreshed")
            #expect(refreshed == #"{"type":"refreshed","expires":\#((tokens.seconds + 600) * 1000),"id":9}"#)
            tokens.advance(seconds: 120)
            try server.publish(["still here"], on: "org:7:orders")
            try await socket.text(containing: "still here")
            try await socket.send(#"{"type":"subscribe","channel":"user:42:notifications"}"#)
            try await socket.text(containing: #""type":"subscribed""#)
            #expect(server.gateway.asked.last?.headers["authorization"] == ["Bearer \(second)"])
            tokens.advance(seconds: 480)
            #expect(try await socket.closeCode() == 4500)
        }
    }

    @Test("bad tokens and those of others leave the connection as it was")
    func refusedRefresh() async throws {
        let token = tokens.token("ann", lasting: 60, claims: #""org":"7""#)
        try await withTokens([try TestFeatures.orders()], tokens) { server in
            let socket = try await WebSocketProbe.open(server.port, headers: ["Authorization: Bearer \(token)"])
            try await socket.send(#"{"type":"subscribe","channel":"org:7:orders"}"#)
            try await socket.text(containing: #""type":"subscribed""#)
            let bad = [tokens.token("bob"), tokens.token("ann", lasting: 0), "nonsense"]
            for (id, text) in bad.enumerated() {
                try await socket.send(#"{"type":"refresh","token":"\#(text)","id":\#(id)}"#)
                let answer = try await socket.text(containing: #""id":\#(id)"#)
                #expect(answer.contains(#""code":"not_allowed""#) && !answer.contains(text))
            }
            try server.publish(["still here"], on: "org:7:orders")
            try await socket.text(containing: "still here")
            tokens.advance(seconds: 60)
            #expect(try await socket.closeCode() == 4500)
        }
    }

    @Test("a right that the new token has no longer ends its stream, and only that")
    func lostRight() async throws {
        let both = tokens.token("ann", claims: #""org":["7","8"]"#)
        try await withTokens([try TestFeatures.orders()], tokens) { server in
            let socket = try await WebSocketProbe.open(server.port, headers: ["Authorization: Bearer \(both)"])
            for org in [7, 8] {
                try await socket.send(#"{"type":"subscribe","channel":"org:\#(org):orders"}"#)
                try await socket.text(containing: #""type":"subscribed""#)
            }
            let one = tokens.token("ann", claims: #""org":"8""#)
            try await socket.send(#"{"type":"refresh","token":"\#(one)"}"#)
            let ended = try await socket.text(containing: #""type":"unsubscribed""#)
            #expect(ended.contains("org:7:orders"))
            try await eventually("one is left") { server.hub.usage.subscriptions == 1 }
            try server.publish(["for seven"], on: "org:7:orders")
            try server.publish(["for eight"], on: "org:8:orders")
            #expect(try await socket.text().contains("for eight"))
        }
    }

    @Test("a right that the legacy API no longer gives ends the stream when it is asked again")
    func lostPoll() async throws {
        let token = tokens.token("ann")
        try await withTokens(
            [try TestFeatures.notifications()], tokens,
            configure: {
                $0.session.heartbeat = .milliseconds(100)
                $0.session.reauthorize = .milliseconds(100)
            }
        ) { server in
            let socket = try await WebSocketProbe.open(server.port, headers: ["Authorization: Bearer \(token)"])
            try await socket.send(#"{"type":"subscribe","channel":"user:42:notifications"}"#)
            try await socket.text(containing: #""type":"subscribed""#)
            server.gateway.refuse(.forbidden)
            try await socket.send(#"{"type":"ping"}"#)
            try await socket.text(containing: #""type":"unsubscribed""#)
        }
    }

    @Test("a socket that must authenticate has until the deadline, and then listens like any other")
    func deadline() async throws {
        try await withTokens([try TestFeatures.notifications()], tokens) {
            $0.isRequired = true
        } _: { server in
            let silent = try await WebSocketProbe.open(server.port)
            let late = try await WebSocketProbe.open(server.port)
            let known = try await WebSocketProbe.open(server.port)
            let subscribe = #"{"type":"subscribe","channel":"user:42:notifications"}"#
            try await known.send(subscribe)
            #expect(try await known.text(containing: "error").contains(#""code":"not_allowed""#))
            try await known.send(#"{"type":"auth","token":"\#(tokens.token("ann"))","id":"a"}"#)
            try await known.send(subscribe)
            try await known.text(containing: #""type":"refreshed""#)
            try await known.text(containing: #""type":"subscribed""#)
            try await late.send(#"{"type":"auth","token":"nonsense"}"#)
            try await late.text(containing: #""code":"not_allowed""#)
            tokens.advance(seconds: 10)
            #expect(try await silent.closeCode() == 4500)
            #expect(try await late.closeCode() == 4500)
            try server.publish(["for ann"], on: "user:42:notifications")
            try await known.text(containing: "for ann")
        }
    }

    @Test("a client that says who it is while it is on a channel is shown with its name to the others")
    func named() async throws {
        let lobby = Feature(
            name: "lobby", poll: try PollPattern("GET /api/lobby"), tables: [], channel: try ChannelTemplate("lobby"),
            authorize: .public, stage: .push, presence: true)
        try await withTokens([lobby], tokens) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(#"{"type":"subscribe","channel":"lobby"}"#)
            try await socket.text(containing: #""type":"subscribed""#)
            try await socket.send(#"{"type":"auth","token":"\#(tokens.token("ann"))"}"#)
            try await socket.text(containing: #""type":"refreshed""#)
            try await socket.send(#"{"type":"presence","channel":"lobby"}"#)
            try await socket.text(containing: #""event":"state","members":[{"user":"ann","#)
        }
    }

    @Test("no log line, close frame or answer has a token, a ticket or a secret in it")
    func secrecy() async throws {
        let good = tokens.token("ann", claims: #""org":"7""#)
        let bad = tokens.token("eve", claims: #""org":"7""#, secret: String(TestTokens.secret.reversed()))
        let log = try await said(good, bad)
        #expect(log.contains { $0.contains("listening") }, "the log is captured at all")
        for text in log {
            for secret in [good, bad, TestTokens.secret]
                + [good, bad].flatMap({ $0.split(separator: ".").map(String.init) }).dropFirst(1)
            {
                #expect(!text.contains(secret), "\(text)")
            }
            #expect(!text.contains("ticket.") && !text.contains("hunter2"))
        }
    }

    /// Everything that a server logs and answers while credentials come in every way.
    private func said(_ good: String, _ bad: String) async throws -> [String] {
        var answers: [String] = []
        try await withTokens([try TestFeatures.orders()], tokens) {
            $0.places.allowsQueryToken = true
            $0.places.cookie = "session"
        } _: { server in
            for token in [good, bad, good + "x"] {
                for (target, header) in [
                    ("/api/orgs/7/orders", "Authorization: Bearer \(token)"),
                    ("/api/orgs/7/orders", "Cookie: session=\(token)"),
                    ("/api/orgs/7/orders", "Sec-WebSocket-Protocol: doorbell.v1, bearer.\(token)"),
                    ("/api/orgs/7/orders?token=\(token)", "Cookie: password=hunter2"),
                    ("/api/orgs/8/orders?token=\(token)", "X: y"),
                    ("/_doorbell/ws?token=\(token)&ticket=ticket.x", "X: y"),
                ] {
                    let raw = try await RawClient(port: server.port)
                    try await raw.send(WebSocketProbe.handshake(target, headers: [header]))
                    try await raw.wait(for: "a head") { $0.text.contains("\r\n\r\n") }
                    answers.append(raw.text)
                    await raw.close()
                }
                let socket = try await WebSocketProbe.open(server.port)
                try await socket.send(#"{"type":"auth","token":"\#(token)"}"#)
                _ = try await socket.text()
                answers.append(try await socket.text())
            }
        }
        return tokens.log + answers
    }
}
