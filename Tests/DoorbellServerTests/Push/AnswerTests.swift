import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

/// Features with `mode: answer`, over sockets.
@Suite struct AnswerTests {
    let channel = "user:42:notifications"
    let poll = #"{"type":"subscribe","poll":"/api/users/42/notifications"}"#

    private func feature(
        _ authorize: Feature.Authorization = .poll, cache: Feature.Caching? = nil
    ) throws -> Feature {
        Feature(
            name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), mode: .answer,
            tables: [], channel: try ChannelTemplate("user:{user_id}:notifications"), authorize: authorize,
            stage: .push,
            cache: cache)
    }

    /// Answers with a number that the test moves on.
    private final class Answers: Sendable {
        private let number = Locked(1)
        private let gateway: FakeGateway

        init(_ gateway: FakeGateway) {
            self.gateway = gateway
            set(1)
        }

        func set(_ number: Int) {
            let text = #"{"list":["one","two","three"],"n":\#(number)}"#
            gateway.answer { _ in
                .success(
                    PollAnswer(
                        status: .ok, headers: ["content-type": "application/json", "etag": "\"\(number)\""],
                        body: ByteBuffer(string: text)))
            }
        }
    }

    @Test("on a change the new answer is told, in the client's name; an answer that is the same is not")
    func answers() async throws {
        try await withServer([try feature()]) { server in
            let answers = Answers(server.gateway)
            let socket = try await WebSocketProbe.open(server.port, headers: ["Cookie: session=abc"])
            try await socket.send(poll)
            let subscribed = try await socket.text(containing: "subscribed")
            #expect(subscribed.contains(#""snapshot":{"status":200,"etag":"\"1\"","body":{"list""#))
            answers.set(2)
            let first = try server.publish(["x"], on: channel)
            let told = try await socket.text()
            #expect(
                told.hasPrefix(
                    #"{"type":"answer","channel":"\#(channel)","position":"\#(first)","previous":"1.1-0","status":200,"etag":"\"2\"","body":{"#
                ))
            let asked = server.gateway.asked.count
            try server.publish(["y"], on: channel)
            try await eventually("it is asked for") { server.gateway.asked.count == asked + 1 }
            answers.set(3)
            try server.publish(["z"], on: channel)
            let next = try await socket.text()
            #expect(next.contains(#""previous":"\#(first)""#) && next.contains(#""n":3"#))
            #expect(server.gateway.asked.allSatisfy { $0.headers["cookie"] == ["session=abc"] })
            try await eventually("deliveries are observed") { server.deliveries.list.count == 2 }
        }
    }

    @Test("an API that does not show its own changes at once is asked once more when it must have settled")
    func settles() async throws {
        let cache = Feature.Caching(settle: .milliseconds(300))
        try await withServer([try feature(cache: cache)]) { server in
            let answers = Answers(server.gateway)
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(poll)
            try await socket.text(containing: "subscribed")
            let asked = server.gateway.asked.count
            try server.publish(["x"], on: channel)
            try await eventually("it is asked for") { server.gateway.asked.count == asked + 1 }
            answers.set(2)
            #expect(try await socket.text().contains(#""n":2"#))
            #expect(server.gateway.asked.count == asked + 2)
        }
    }

    @Test("a client that asks for patches gets them to what it has")
    func patches() async throws {
        try await withServer([try feature()]) { server in
            let answers = Answers(server.gateway)
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(#"{"type":"subscribe","channel":"\#(channel)","patch":true}"#)
            #expect(try await socket.text(containing: "subscribed").contains(#""n":1"#))
            answers.set(2)
            try server.publish(["x"], on: channel)
            #expect(try await socket.text().hasSuffix(#""etag":"\"2\"","patch":{"n":2},"base":"\"1\""}"#))
        }
    }

    @Test("changes that come while the legacy API is asked are one more question")
    func together() async throws {
        try await withServer([try feature()]) { server in
            let answers = Answers(server.gateway)
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(poll)
            try await socket.text(containing: "subscribed")
            server.gateway.hold()
            try server.publish(["1"], on: channel)
            try await eventually("the question") { server.gateway.asked.count == 2 }
            answers.set(4)
            try server.publish(["2", "3", "4"], on: channel)
            server.gateway.releaseAll()
            #expect(try await socket.text().contains(#""n":4"#))
            try await eventually("one more question") { server.gateway.asked.count == 3 }
            try await socket.send(#"{"type":"ping"}"#)
            #expect(try await socket.text() == #"{"type":"pong"}"#)
            #expect(server.gateway.asked.count == 3)
        }
    }

    @Test("a client that comes back is told the answer if anything happened meanwhile, and nothing otherwise")
    func resumed() async throws {
        try await withServer([try feature()]) { server in
            let answers = Answers(server.gateway)
            let position = try server.publish(["1"], on: channel)
            func subscribe() async throws -> WebSocketProbe {
                let socket = try await WebSocketProbe.open(server.port)
                try await socket.send(
                    #"{"type":"subscribe","poll":"/api/users/42/notifications","since":"\#(position)"}"#)
                let subscribed = try await socket.text(containing: "subscribed")
                #expect(subscribed.contains(#""recovered":true"#) && !subscribed.contains("snapshot"))
                return socket
            }
            let quiet = try await subscribe()
            try await quiet.send(#"{"type":"ping"}"#)
            #expect(try await quiet.text() == #"{"type":"pong"}"#)
            answers.set(2)
            try server.publish(["2"], on: channel)
            #expect(try await subscribe().text().contains(#""body":{"list""#))
            #expect(try await quiet.text().contains(#""n":2"#))
        }
    }

    @Test("a caller that is refused is unsubscribed, one whose legacy API is away is told later")
    func refused() async throws {
        try await withServer([try feature()]) { server in
            let answers = Answers(server.gateway)
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(poll)
            try await socket.text(containing: "subscribed")
            server.gateway.answer { _ in .failure(GatewayFailure(.badGateway, "away")) }
            try server.publish(["1"], on: channel)
            try await eventually("the question") { server.gateway.asked.count >= 2 }
            answers.set(2)
            #expect(try await socket.text().contains(#""n":2"#))
            server.gateway.refuse(.forbidden)
            try server.publish(["2"], on: channel)
            let ended = try await socket.text()
            #expect(ended.hasPrefix(#"{"type":"unsubscribed","channel":"\#(channel)""#) && ended.contains("403"))
            try await eventually("the subscription has ended") { server.hub.usage.subscriptions == 0 }
        }
    }

    @Test("an answer that is too long is said to be changed")
    func long() async throws {
        try await withServer([try feature()], configure: { $0.maximumSnapshot = 100 }) { server in
            let answers = Answers(server.gateway)
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(poll)
            try await socket.text(containing: "subscribed")
            server.gateway.answer { _ in
                .success(PollAnswer(status: .ok, headers: [:], body: ByteBuffer(repeating: 0x20, count: 101)))
            }
            try server.publish(["1"], on: channel)
            #expect(try await socket.text().hasPrefix(#"{"type":"reset""#))
            answers.set(2)
            try server.publish(["2"], on: channel)
            #expect(try await socket.text().contains(#""n":2"#))
        }
    }

    @Test("an event stream is told answers, with a position to go on from")
    func events() async throws {
        try await withServer([try feature(.public)]) { server in
            let answers = Answers(server.gateway)
            let stream = try await EventStreamProbe.open(server.port, path: "/api/users/42/notifications")
            while try await !stream.next().data.contains("subscribed") {}
            answers.set(2)
            let position = try server.publish(["1"], on: channel)
            let event = try await stream.next()
            #expect(event.data.hasPrefix(#"{"type":"answer""#) && event.id == "\(position)")
        }
    }

    @Test("hundreds of subscribers ask a few at a time, and all are told")
    func turns() async throws {
        try await withServer([try feature()]) { server in
            let answers = Answers(server.gateway)
            var sockets: [WebSocketProbe] = []
            for _ in 0..<200 {
                let socket = try await WebSocketProbe.open(server.port)
                try await socket.send(poll)
                sockets.append(socket)
            }
            for socket in sockets { try await socket.text(containing: "subscribed") }
            answers.set(2)
            server.gateway.hold()
            try server.publish(["1"], on: channel)
            try await eventually("some ask") { server.gateway.asked.count > 200 }
            try await Task.sleep(for: .milliseconds(100))
            // Two loops.
            #expect(server.gateway.asked.count <= 200 + 2 * 64)
            server.gateway.releaseAll()
            for socket in sockets { #expect(try await socket.text(containing: "answer").contains(#""n":2"#)) }
            #expect(server.gateway.asked.count == 400)
        }
    }
}
