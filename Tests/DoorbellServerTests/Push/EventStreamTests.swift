import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellServer

@Suite struct EventStreamTests {
    @Test("the id of an event is a position from which every channel of the stream goes on")
    func ids() async throws {
        try await withServer([try TestFeatures.notifications(), try TestFeatures.news()]) { server in
            let path = "/_doorbell/sse?poll=/api/users/42/notifications&channel=news"
            let client = try await EventStreamProbe.open(server.port, path: path)
            for _ in 0..<3 { _ = try await client.next() }
            let first = try server.publish(["one"], on: "user:42:notifications")
            #expect(try await client.next().id == "\(first)")
            let second = try server.publish(["two"], on: "news", feature: 1)
            #expect(try await client.next().id == "\(second)")
            await client.raw.close()

            try server.publish(["missed by one"], on: "user:42:notifications")
            let last = try server.publish(["missed by the other"], on: "news", feature: 1)
            let again = try await EventStreamProbe.open(
                server.port, path: path, headers: ["Last-Event-ID: \(second)"])
            var missed: [EventStreamProbe.Event] = []
            while missed.count < 2 {
                let event = try await again.next()
                if event.data.contains("missed") { missed.append(event) }
            }
            // Both were replayed; whichever came first must not move the id past the other.
            #expect(missed.allSatisfy { $0.id.isEmpty })
            let live = try server.publish(["live"], on: "news", feature: 1)
            #expect(try await again.next().id == "\(live)")
            #expect(last < live)
        }
    }

    @Test("comments keep a quiet stream alive")
    func heartbeat() async throws {
        try await withServer([try TestFeatures.news()]) {
            $0.session.heartbeat = .milliseconds(20)
        } _: { server in
            let client = try await EventStreamProbe.open(server.port, path: "/_doorbell/sse?channel=news")
            try await client.waitForComments(5)
            #expect(!client.raw.isClosed)
        }
    }

    @Test(
        "what cannot be streamed is refused before the stream",
        arguments: [
            ("/_doorbell/sse", "", 400), ("/_doorbell/sse?other=1", "", 400),
            ("/_doorbell/sse?channel=news", "Origin: https://evil.example\r\n", 403),
            ("/_doorbell/sse?" + String(repeating: "channel=a&", count: 101), "", 400),
        ])
    func refused(path: String, header: String, status: Int) async throws {
        try await withServer([try TestFeatures.news()]) { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send("GET \(path) HTTP/1.1\r\nHost: doorbell.test\r\n\(header)\r\n")
            #expect(try await raw.answer().status == status)
        }
    }

    @Test("pages of an allowed origin may read the stream; while capture is down there is none")
    func origins() async throws {
        let origins = try allowing("https://app.example")
        try await withServer([try TestFeatures.news()]) {
            $0.origins = origins
        } _: { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send(
                "GET /_doorbell/sse?channel=news HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\n\r\n")
            try await raw.wait(for: "a head") { $0.text.contains("\r\n\r\n") }
            #expect(raw.text.contains("access-control-allow-origin: https://app.example"))
            #expect(raw.text.contains("access-control-allow-credentials: true"))
            server.server.captureChanged(to: .down(reason: "gone"))
            let other = try await RawClient(port: server.port)
            try await other.send("GET /_doorbell/sse?channel=news HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try await other.answer()
            #expect(answer.status == 503 && answer["retry-after"] == "2")
        }
    }
}
