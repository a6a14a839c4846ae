import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellTestSupport
import DoorbellWire
import Testing

@Suite struct HeartbeatTests {
    @Test("of two clients the one that answers pings lives, the one that does not is closed with 4001")
    func answering() async throws {
        try await withServer([try TestFeatures.news()]) {
            $0.session = SessionLimits(heartbeat: .milliseconds(500))
        } _: { server in
            let silent = try await WebSocketProbe.open(server.port)
            let answering = try await WebSocketProbe.open(server.port)
            var pings = 0
            while pings < 5 {
                guard case .ping(let payload) = try await answering.next() else { continue }
                pings += 1
                try await answering.raw.send(WebSocketFrame.encode(.pong, payload, mask: 3))
            }
            #expect(try await silent.closeCode() == 4001)
            try await answering.send(#"{"type":"ping","id":1}"#)
            try await answering.text(containing: "pong")
        }
    }

    @Test("an event stream that takes no more bytes is closed after two heartbeats, one that does is not")
    func stalledEventStream() async throws {
        try await withServer([try TestFeatures.news()]) {
            $0.session.heartbeat = .milliseconds(200)
            $0.sendBudget = 16 << 10
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            let path = "/_doorbell/sse?channel=news"
            let reading = try await EventStreamProbe.open(server.port, path: path)
            _ = try await reading.next()
            let stalled = try await EventStreamProbe.open(server.port, path: path, stalled: true)
            try await eventually("both are subscribed") { server.hub.usage.subscriptions == 2 }
            let text = String(repeating: "x", count: 8 << 10)
            for _ in 0..<64 { try server.publish([text], on: "news") }
            try await eventually("the stalled one is gone") { server.server.openConnections == 1 }
            try await stalled.raw.resume()
            try await stalled.raw.waitForClose()
            try await reading.waitForComments(reading.comments + 3)
            #expect(!reading.raw.isClosed)
        }
    }
}
