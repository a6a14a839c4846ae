import DoorbellCore
import DoorbellServer
import DoorbellTestSupport
import Testing

/// Who is on a channel, told over a WebSocket.
@Suite struct PresenceTests {
    private static let subscribe = #"{"type":"subscribe","channel":"lobby"}"#
    private static let ask = #"{"type":"presence","channel":"lobby","id":1}"#

    private func lobby() throws -> Feature {
        Feature(
            name: "lobby", poll: try PollPattern("GET /api/lobby"), tables: [], channel: try ChannelTemplate("lobby"),
            authorize: .public, stage: .push, presence: true)
    }

    /// A client on the channel, and its session.
    private func arrive(_ server: TestServer, stalled: Bool = false) async throws -> (WebSocketProbe, String) {
        let socket = try await WebSocketProbe.open(server.port)
        let welcome = try await socket.text(containing: "welcome")
        let session = try unwrap(welcome.split(separator: #""session":""#).last?.split(separator: "\"").first)
        try await socket.send(Self.subscribe)
        try await socket.text(containing: "subscribed")
        return (socket, String(session))
    }

    @Test("a client is told who is there, who comes, and who goes, in whatever way")
    func told() async throws {
        try await withServer([try lobby()]) { server in
            let (first, one) = try await arrive(server)
            try await first.send(Self.ask)
            #expect(
                try await first.text()
                    == #"{"type":"presence","channel":"lobby","event":"state","members":[{"session":"\#(one)"}],"id":1}"#
            )
            let (second, two) = try await arrive(server)
            #expect(
                try await first.text()
                    == #"{"type":"presence","channel":"lobby","event":"join","members":[{"session":"\#(two)"}]}"#)
            try await second.send(Self.ask)
            let state = try await second.text()
            #expect(state.contains(one) && state.contains(two))
            try await second.send(#"{"type":"unsubscribe","channel":"lobby"}"#)
            let left = #"{"type":"presence","channel":"lobby","event":"leave","members":[{"session":"\#(two)"}]}"#
            #expect(try await first.text() == left)
            let (third, three) = try await arrive(server)
            #expect(try await first.text().contains(three))
            await third.raw.close()
            #expect(try await first.text().contains(#""event":"leave","members":[{"session":"\#(three)"}]"#))
            try await second.send(#"{"type":"ping"}"#)
            #expect(try await second.text(containing: "pong").contains("pong"), "who has left is told no more")
        }
    }

    @Test("a subscriber of server-sent events is there too")
    func events() async throws {
        try await withServer([try lobby()]) { server in
            let (first, _) = try await arrive(server)
            try await first.send(Self.ask)
            _ = try await first.text()
            let events = try await EventStreamProbe.open(server.port, path: "/_doorbell/sse?channel=lobby")
            #expect(try await first.text().contains(#""event":"join""#))
            await events.raw.close()
            #expect(try await first.text().contains(#""event":"leave""#))
        }
    }

    @Test("who is not subscribed, or asks about a feature without presence, is refused")
    func refused() async throws {
        try await withServer([try lobby(), try TestFeatures.news()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(Self.ask)
            #expect(try await socket.text(containing: "error").contains("not_subscribed"))
            try await socket.send(#"{"type":"subscribe","channel":"news"}"#)
            try await socket.send(#"{"type":"presence","channel":"news"}"#)
            #expect(try await socket.text(containing: "error").contains("not_supported"))
        }
    }

    @Test("many clients who come and go at once are told in few messages, and every list is right")
    func storm() async throws {
        try await withServer([try lobby()]) { server in
            let (first, one) = try await arrive(server)
            try await first.send(Self.ask)
            _ = try await first.text()
            let others = try await withThrowingTaskGroup(of: (WebSocketProbe, String).self) { group in
                for _ in 0..<40 { group.addTask { try await arrive(server) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (socket, _) in others.prefix(20) { await socket.raw.close() }
            let staying = Set(others.dropFirst(20).map(\.1) + [one])
            var there: Set<String> = [one]
            var messages = 0
            while there != staying {
                let text = try await first.text()
                messages += 1
                let sessions = text.split(separator: #""session":""#).dropFirst().compactMap {
                    $0.split(separator: "\"").first.map(String.init)
                }
                if text.contains(#""event":"join""#) { there.formUnion(sessions) } else { there.subtract(sessions) }
            }
            #expect(messages <= 20, "\(messages) messages for 60 changes")
        }
    }

    @Test("a client that does not read is told everything when it reads again")
    func slow() async throws {
        try await withServer([try lobby()], configure: { $0.sendBudget = 16 << 10 }) { server in
            let socket = try await WebSocketProbe.open(server.port, stalled: true)
            try await socket.send(Self.subscribe)
            try await socket.send(Self.ask)
            try await eventually("it is there") { server.deliveries.subscribed == 1 }
            // Until the budget is spent: the kernels take some of it.
            try await eventually("its budget is spent") {
                try server.publish([String(repeating: "x", count: 60_000)], on: "lobby")
                let connection = await server.server.connections(limit: 1).connections.first
                return connection.map { $0.bufferedBytes > 16 << 10 } == true
            }
            let (_, two) = try await arrive(server)
            let watcher = try await arrive(server)
            try await watcher.0.send(Self.ask)
            try await watcher.0.text(containing: two)
            let (passing, three) = try await arrive(server)
            try await watcher.0.text(containing: three)
            await passing.raw.close()
            try await watcher.0.text(containing: #""event":"leave""#)
            try await socket.raw.resume()
            _ = try await socket.raw.answer()
            let state = try await socket.text(containing: two)
            #expect(state.contains(#""event":"state""#) && !state.contains(three))
        }
    }
}
