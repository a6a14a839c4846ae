import DoorbellTestSupport
import Testing

@testable import DoorbellServer

@Suite struct SubscriptionEndTests {
    @Test("a subscription that its client ends is not lost, one that goes with its connection is")
    func lost() async throws {
        try await withServer([try TestFeatures.news()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            for _ in 0..<2 {
                try await socket.send(#"{"type":"subscribe","channel":"news"}"#)
                try await socket.text(containing: #""type":"subscribed""#)
                try await socket.send(#"{"type":"unsubscribe","channel":"news"}"#)
                try await socket.text(containing: #""type":"unsubscribed""#)
            }
            #expect(server.deliveries.openSubscriptions == 0 && server.deliveries.lostSubscriptions == 0)
            try await socket.send(#"{"type":"subscribe","channel":"news"}"#)
            try await socket.text(containing: #""type":"subscribed""#)
            await socket.raw.close()
            try await eventually("it is gone") { server.deliveries.openSubscriptions == 0 }
            #expect(server.deliveries.subscribed == 3 && server.deliveries.lostSubscriptions == 1)
        }
    }
}
