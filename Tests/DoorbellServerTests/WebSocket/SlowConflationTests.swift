import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellTestSupport
import DoorbellWire
import Testing

@Suite struct SlowConflationTests {
    let channel = "user:42:notifications"
    let subscribe = #"{"type":"subscribe","channel":"user:42:notifications"}"#

    /// `1.2-7` of a message.
    func member(_ name: String, of message: String) -> String? {
        guard let start = message.firstRange(of: "\"\(name)\":\"")?.upperBound else { return nil }
        return String(message[start...].prefix { $0 != "\"" })
    }

    @Test("a stalled client of a feature that conflates is told the newest of each row and how many it was spared")
    func stalled() async throws {
        try await withServer([try TestFeatures.notifications(slow: .conflate)]) {
            $0.sendBudget = 64 << 10
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            let stalled = try await WebSocketProbe.open(server.port, stalled: true)
            try await stalled.send(subscribe)
            let healthy = try await WebSocketProbe.open(server.port)
            try await healthy.send(subscribe)
            try await healthy.text(containing: "subscribed")
            try await eventually("both are subscribed") { server.hub.usage.subscriptions == 2 }

            let text = String(repeating: "x", count: 8 << 10)
            var newest: [Int: String] = [:]
            for round in 0..<90 {
                let keys = (0..<10).map { ($0 * 7 + round) % 20 }
                try server.publish(keys.map { "\(round)/\($0) \(text)" }, on: channel, keys: keys)
                for key in keys {
                    newest[key] = "\(round)/\(key) "
                    #expect(try await healthy.text().contains("\(round)/\(key) "), "the other misses nothing")
                }
            }
            let end = try server.publish(["the end"], on: channel, keys: [99])
            try await healthy.text(containing: "the end")
            let told = server.deliveries.list.reduce(0) { $0 + $1.bytes }
            #expect(told < 901 * (9 << 10) + (1 << 20), "the stalled client was queued its budget: \(told)")

            try await stalled.raw.resume()
            _ = try await stalled.raw.answer()
            try await stalled.text(containing: "subscribed")
            var rows: [Int: String] = [:]
            var (received, announced, dropped) = (0, 0, 0)
            var known: String?
            var through: String?
            while known != "\(end)" {
                let message = try await stalled.text()
                #expect(!message.contains(#""type":"reset""#))
                if message.contains(#""type":"conflated""#) {
                    through = member("through", of: message)
                    announced += 1
                    dropped += try unwrap(message.split(separator: ":").last.flatMap { Int($0.dropLast()) })
                    continue
                }
                received += 1
                let position = try unwrap(member("position", of: message))
                if let known, through == nil { #expect(member("previous", of: message) == known, "a chain") }
                known = position
                if through == position { through = nil }
                let body = try unwrap(member("text", of: message))
                let key = try unwrap(message.firstRange(of: #""id":"#)).upperBound
                rows[try unwrap(Int(message[key...].prefix { $0.isNumber }))] = String(body.prefix { $0 != " " }) + " "
            }
            #expect(rows.filter { $0.key != 99 } == newest)
            #expect(announced > 0 && received + dropped == 901, "\(received) came, \(dropped) did not")
            #expect(received < 200)
            let info = try unwrap(await server.server.connections(limit: 10).connections.first { $0.conflated > 0 })
            #expect(info.conflated == dropped && info.timesBehind > 0 && info.resets == 0 && info.behind == 0)

            let buffers = server.deliveries.buffers
            // The other may fall behind for a moment, too.
            let behind = await server.server.connections(limit: 10).connections.reduce(0) { $0 + $1.timesBehind }
            #expect(buffers.conflated >= UInt64(dropped) && buffers.behind == UInt64(behind))
            #expect(
                buffers.waitingBytes > 32 << 10 && buffers.waitingBytes <= 64 << 10 && buffers.resets == 0
                    && buffers.closed == 0)
            #expect(server.deliveries.list.contains { $0.waitingBytes > 0 })

            let last = try server.publish(["live again"], on: channel)
            let live = try await stalled.text(containing: "live again")
            #expect(member("previous", of: live) == "\(end)" && member("position", of: live) == "\(last)")
        }
    }
}
