import DoorbellCore
import DoorbellServer
import DoorbellTestSupport
import DoorbellWire
import Testing

@Suite struct BatchingTests {
    func subscribed(
        _ server: TestServer, to names: String..., extensions: String? = nil
    ) async throws -> WebSocketProbe {
        let socket = try await WebSocketProbe.open(server.port, extensions: extensions)
        for name in names {
            try await socket.send(#"{"type":"subscribe","channel":"\#(name)"}"#)
            try await socket.text(containing: "subscribed")
        }
        return socket
    }

    @Test("messages of one window come as one batch, a single one by itself, each with its place in the chain")
    func batch() async throws {
        try await withServer([try TestFeatures.boards(batch: .milliseconds(20))]) { server in
            let socket = try await subscribed(server, to: "board:1")
            let last = try server.publish(["one", "two", "three"], on: "board:1")
            let batch = try await socket.text()
            #expect(batch.hasPrefix(#"{"type":"batch","messages":[{"type":"change""#))
            #expect(["one", "two", "three"].allSatisfy { batch.contains($0) } && batch.contains("\(last)"))
            try server.publish(["alone"], on: "board:1")
            let alone = try await socket.text()
            #expect(alone.hasPrefix(#"{"type":"change""#) && alone.contains(#""previous":"\#(last)""#))
            try await eventually("all are counted") {
                server.deliveries.list.map { $0.publications.count } == [3, 1]
            }
        }
    }

    @Test("a whole batch does not wait for its window; it is compressed like any other message")
    func full() async throws {
        try await withServer([try TestFeatures.boards(batch: .seconds(3600))]) {
            $0.compression = true
        } _: { server in
            let plain = try await subscribed(server, to: "board:1")
            let compressed = try await subscribed(server, to: "board:1", extensions: "permessage-deflate")
            let before = (plain.received, compressed.received)
            for index in 0..<256 { try server.publish(["message \(index)"], on: "board:1") }
            let batch = try await plain.text()
            #expect((150...256).contains(batch.split(separator: #""type":"change""#).count - 1))
            #expect(try await compressed.text() == batch)
            #expect((compressed.received - before.1) * 5 < plain.received - before.0)
        }
    }

    @Test("what is held is told before the server says goodbye, and before it sends clients back to polling")
    func beforeTheEnd() async throws {
        for isDrain in [true, false] {
            let server = try await TestServer(features: [try TestFeatures.boards(batch: .seconds(3600))]) {
                $0.captureGrace = .milliseconds(1)
            }
            let socket = try await subscribed(server, to: "board:1")
            try server.publish(["held"], on: "board:1")
            async let stopping: Void = isDrain ? server.server.stop(within: .seconds(600)) : ()
            if !isDrain { server.server.captureChanged(to: .down(reason: "x")) }
            #expect(try await socket.text().contains("held"))
            #expect(try await socket.closeCode() == (isDrain ? 1012 : 4002))
            await socket.raw.close()
            await stopping
            await server.stop()
        }
    }

    @Test("an event stream of several channels marks no position beyond what is held, and resumes with nothing missed")
    func positions() async throws {
        let features = [try TestFeatures.boards(batch: .seconds(3600)), try TestFeatures.news()]
        try await withServer(features) { server in
            let path = "/_doorbell/sse?channel=board:1&channel=news"
            let client = try await EventStreamProbe.open(server.port, path: path)
            for _ in 0..<3 { _ = try await client.next() }
            let known = try server.publish(["settled"], on: "news", feature: 1)
            #expect(try await client.next().id == "\(known)")
            try server.publish(["held back"], on: "board:1")
            try server.publish(["beyond it"], on: "news", feature: 1)
            let beyond = try await client.next()
            #expect(beyond.data.contains("beyond it") && beyond.id == "\(known)")
            await client.raw.close()

            let again = try await EventStreamProbe.open(server.port, path: path, headers: ["Last-Event-ID: \(known)"])
            var missed: [String] = []
            while missed.count < 2 {
                let event = try await again.next()
                if event.data.contains(#""op":"insert""#) { missed.append(event.data) }
            }
            #expect(missed.count(where: { $0.contains("held back") }) == 1)
            #expect(missed.count(where: { $0.contains("beyond it") }) == 1)
        }
    }

    @Test("a window alone, whose time comes, gives its position to a stream of several channels")
    func settled() async throws {
        try await withServer([try TestFeatures.boards(batch: .milliseconds(20))]) { server in
            let client = try await EventStreamProbe.open(
                server.port, path: "/_doorbell/sse?channel=board:1&channel=board:2")
            for _ in 0..<3 { _ = try await client.next() }
            let last = try server.publish(["one", "two"], on: "board:1")
            let event = try await client.next()
            #expect(event.data.contains(#""type":"batch""#) && event.id == "\(last)")
        }
    }

    @Test("a client whose budget a batch does not fit in goes on from history, message by message")
    func slow() async throws {
        try await withServer([try TestFeatures.boards(batch: .milliseconds(20))]) {
            $0.sendBudget = 16 << 10
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            let stalled = try await WebSocketProbe.open(server.port, stalled: true)
            try await stalled.send(#"{"type":"subscribe","channel":"board:1"}"#)
            try await eventually("it is subscribed") { server.deliveries.subscribed == 1 }
            let text = String(repeating: "x", count: 3 << 10)
            for round in 0..<50 { try server.publish((0..<4).map { "\(round)/\($0) \(text)" }, on: "board:1") }
            try server.publish(["the end"], on: "board:1")
            try await stalled.raw.resume()
            _ = try await stalled.raw.answer()
            var places: [String] = []
            while true {
                let message = try await stalled.text()
                places += message.split(separator: #""text":""#).dropFirst().map { String($0.prefix { $0 != " " }) }
                if message.contains("the end") { break }
            }
            #expect(places.dropLast() == (0..<50).flatMap { round in (0..<4).map { "\(round)/\($0)" } }[...])
        }
    }
}
