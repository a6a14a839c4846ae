import DoorbellCore
import DoorbellServer
import DoorbellTestSupport
import DoorbellWire
import Testing

/// Publishing and acknowledging over real sockets.
@Suite struct MessagingTests {
    let database = FakeDatabase()

    private func feature() throws -> Feature {
        Feature(
            name: "inbox", poll: try PollPattern("GET /api/users/{id}/inbox"), tables: [],
            channel: try ChannelTemplate("user:{id}:inbox"), publish: .subscribers, delivery: .atLeastOnce, stage: .push
        )
    }

    private func subscribed(
        _ server: TestServer, client: String = "phone", cookie: String = "a=1", since: String? = nil
    ) async throws -> (socket: WebSocketProbe, answer: String) {
        let socket = try await WebSocketProbe.open(server.port, headers: ["Cookie: \(cookie)"])
        let since = since.map { #","since":"\#($0)""# } ?? ""
        try await socket.send(
            #"{"type":"subscribe","channel":"user:7:inbox","client":"\#(client)"\#(since)}"#)
        return (socket, try await socket.text(containing: #""channel":"user:7:inbox""#))
    }

    private func ack(_ position: Position) -> String {
        #"{"type":"ack","channel":"user:7:inbox","position":"\#(position)"}"#
    }

    @Test("what a subscriber publishes goes into the log under its session and id, and is confirmed")
    func publish() async throws {
        try await withServer([try feature()], database: database) { server in
            let (socket, _) = try await subscribed(server)
            try await socket.send(#"{"type":"publish","channel":"user:7:inbox","data":{"a": 1.0},"id":"x"}"#)
            #expect(try await socket.text() == #"{"type":"published","channel":"user:7:inbox","id":"x"}"#)
            let written = try #require(database.published.first)
            #expect(String(decoding: written.message.data, as: UTF8.self) == #"{"a": 1.0}"#)
            #expect(written.channel.rawValue == "user:7:inbox" && written.message.id == #""x""#)
            #expect(written.message.session?.isEmpty == false)
            database.fail(.overloaded)
            try await socket.send(#"{"type":"publish","channel":"user:7:inbox","data":1,"id":2}"#)
            #expect(try await socket.text().contains(#""code":"limit""#))
        }
    }

    @Test("drift is counted and answered by nothing")
    func drift() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(#"{"type":"subscribe","channel":"user:7:notifications"}"#)
            try await socket.text(containing: "subscribed")
            try await socket.send(
                #"{"type":"drift","channel":"user:7:notifications","position":"1.1-1","digest":"9f"}"#)
            try await socket.send(#"{"type":"ping"}"#)
            #expect(try await socket.text().contains("pong"))
        }
    }

    @Test("a server without a database says that it does not do that")
    func notSupported() async throws {
        try await withServer([try feature()]) { server in
            let (socket, answer) = try await subscribed(server)
            #expect(answer.contains(#""code":"not_supported""#))
            try await socket.send(#"{"type":"subscribe","channel":"user:7:inbox"}"#)
            try await socket.text(containing: "subscribed")
            try await socket.send(#"{"type":"publish","channel":"user:7:inbox","data":1}"#)
            #expect(try await socket.text().contains(#""code":"not_supported""#))
        }
    }

    @Test("what was not acknowledged is delivered again, what was is not, and the client need not know where it was")
    func redelivery() async throws {
        try await withServer([try feature()], database: database) { server in
            let (first, answer) = try await subscribed(server)
            #expect(answer.contains(#""recovered":false"#))
            let seen = try server.publish(["one"], on: "user:7:inbox")
            _ = try server.publish(["two", "three"], on: "user:7:inbox")
            for text in ["one", "two", "three"] { #expect(try await first.text().contains(text)) }
            try await first.send(ack(seen))
            try await first.send(#"{"type":"ping"}"#)
            #expect(try await first.text().contains("pong"))
            await first.raw.close()

            let (second, again) = try await subscribed(server)
            #expect(again.contains(#""recovered":true"#) && again.contains("\(seen)"))
            for text in ["two", "three"] { #expect(try await second.text().contains(text)) }
            // Another name, another user and another position are other stories.
            #expect(try await subscribed(server, client: "tablet").answer.contains(#""recovered":false"#))
            #expect(try await subscribed(server, cookie: "a=2").answer.contains(#""recovered":false"#))
            let (third, _) = try await subscribed(server, since: "\(TestServer.floor)")
            for text in ["one", "two", "three"] { #expect(try await third.text().contains(text)) }
        }
    }

    @Test("nobody can move the cursor of another's client by its name")
    func foreign() async throws {
        try await withServer([try feature()], database: database) { server in
            let (mine, _) = try await subscribed(server)
            let (other, _) = try await subscribed(server, cookie: "b=2")
            let position = try server.publish(["one"], on: "user:7:inbox")
            for socket in [mine, other] { #expect(try await socket.text().contains("one")) }
            try await other.send(ack(position))
            try await other.send(#"{"type":"ping"}"#)
            #expect(try await other.text().contains("pong"))
            #expect(database.cursors.values.sorted() == [TestServer.floor, position])
            #expect(try await subscribed(server).answer.contains(#""recovered":true"#))
            #expect(database.cursors.keys.allSatisfy { !$0.identity.contains("b=2") }, "no credential is stored")
        }
    }

    @Test("while cursors cannot be read, a client is refused and polls; afterwards it goes on from where it was")
    func unavailable() async throws {
        try await withServer([try feature()], database: database) { server in
            let (first, _) = try await subscribed(server)
            try server.publish(["one"], on: "user:7:inbox")
            #expect(try await first.text().contains("one"))
            await first.raw.close()
            database.fail(.unavailable)
            let (socket, answer) = try await subscribed(server)
            #expect(answer.contains(#""code":"unavailable""#))
            database.fail(nil)
            try await socket.send(#"{"type":"subscribe","channel":"user:7:inbox","client":"phone"}"#)
            #expect(try await socket.text().contains(#""recovered":true"#))
            #expect(try await socket.text().contains("one"))
        }
    }

    @Test("a WebSocket on the polled URL names its client by header or subprotocol")
    func polledURL() async throws {
        try await withServer([try feature()], database: database) { server in
            for header in [
                "Doorbell-Client: phone", "Sec-WebSocket-Protocol: doorbell.v1, doorbell.client.tablet",
                "Doorbell-Client: not a name",
            ] {
                let socket = try await WebSocketProbe.open(server.port, path: "/api/users/7/inbox", headers: [header])
                #expect(try await socket.text(containing: "subscribed").contains(#""snapshot""#))
            }
            #expect(Set(database.cursors.keys.map(\.client)) == ["phone", "tablet"])
        }
    }
}
