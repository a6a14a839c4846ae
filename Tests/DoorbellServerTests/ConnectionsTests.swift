import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellServer

@Suite struct ConnectionsTests {
    private func info(_ id: String, _ bytes: Int, seconds: Double = 1) -> ConnectionInfo {
        ConnectionInfo(
            id: id, transport: "websocket", address: nil, user: nil, userAgent: nil, seconds: seconds, subscriptions: 0,
            behind: 0, bufferedBytes: bytes)
    }

    @Test("of any number, those with the most bytes waiting are kept, the oldest among equals", arguments: 1...10)
    func biggest(seed: UInt64) {
        var random = SplitMix(state: seed)
        let all = (0..<500).map { index in
            info("\(index)", Int.random(in: 0..<50, using: &random), seconds: Double(index))
        }.shuffled(using: &random)
        var biggest = BiggestConnections(limit: 7)
        for info in all where biggest.wants(bytes: info.bufferedBytes) { biggest.add(info) }
        let expected = all.sorted { ($1.bufferedBytes, $1.seconds) < ($0.bufferedBytes, $0.seconds) }.prefix(7)
        #expect(biggest.inOrder == Array(expected))
    }

    @Test("sockets and event streams are listed with what is known of them, without their URLs")
    func listed() async throws {
        try await withServer([try TestFeatures.news()]) { server in
            let socket = try await WebSocketProbe.open(
                server.port, path: "/_doorbell/ws?token=secret", headers: ["User-Agent: probe/1"])
            try await socket.send(#"{"type":"subscribe","channel":"news"}"#)
            try await socket.text(containing: "subscribed")
            let events = try await EventStreamProbe.open(server.port, path: "/_doorbell/sse?channel=news")
            _ = try await events.next()
            let report = await server.server.connections(limit: 10)
            #expect(report.open == 2 && report.pushed == 2)
            #expect(Set(report.connections.map(\.transport)) == ["websocket", "sse"])
            let listed = try unwrap(report.connections.first { $0.transport == "websocket" })
            #expect(listed.userAgent == "probe/1" && listed.address == "127.0.0.1")
            #expect(listed.subscriptions == 1 && listed.behind == 0)
            #expect(!"\(report)".contains("secret"))
            #expect(await server.server.connections(limit: 1).connections.count == 1)
            await socket.raw.close()
            try await eventually("it is gone") { await server.server.connections(limit: 10).pushed == 1 }
        }
    }

    @Test("more connections than are looked at in one go are all looked at, and a stalled one comes first")
    func many() async throws {
        try await withServer([try TestFeatures.news()]) { server in
            var sockets: [WebSocketProbe] = []
            for _ in 0..<600 { sockets.append(try await WebSocketProbe.open(server.port)) }
            let stalled = try await WebSocketProbe.open(server.port, headers: ["User-Agent: stalled"], stalled: true)
            try await stalled.send(#"{"type":"subscribe","channel":"news"}"#)
            try await eventually("it is subscribed") { server.deliveries.subscribed == 1 }
            for _ in 0..<8 { try server.publish([String(repeating: "x", count: 60_000)], on: "news") }
            try await eventually("it is behind, and first") {
                let report = await server.server.connections(limit: 2)
                return report.pushed == 601 && report.connections.count == 2
                    && report.connections[0].userAgent == "stalled" && report.connections[0].bufferedBytes > 0
            }
        }
    }
}
