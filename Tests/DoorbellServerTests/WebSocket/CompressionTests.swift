import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellTestSupport
import DoorbellWire
import Testing

@Suite struct CompressionTests {
    static let offer = "permessage-deflate; client_max_window_bits"
    let subscribe = #"{"type":"subscribe","channel":"news"}"#

    /// A client's frame with `json` compressed. It must become shorter.
    func compressed(_ json: String) throws -> [UInt8] {
        let agreement = try unwrap(PerMessageDeflate.accept([WebSocketExtension("permessage-deflate")]))
        let plain = WebSocketFrame.encode(.text, Array(json.utf8))
        let message = EncodedMessage(frame: plain, payloadOffset: plain.count - json.utf8.count)
        let frame = MessageDeflater().frame(of: message, for: agreement)
        #expect(frame[0] == 0xC1, "the bit that says so")
        let headerSize = frame[1] < 126 ? 2 : 4
        return WebSocketFrame.encode(.text, Array(frame[headerSize...]), isCompressed: true, mask: 0x1234_5678)
    }

    func withCompression(
        budget: Int = 256 << 10, _ body: (TestServer) async throws -> Void
    ) async throws {
        try await withServer([try TestFeatures.news()]) {
            $0.compression = true
            $0.sendBudget = budget
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            try await body(server)
        }
    }

    @Test("long messages come compressed, short ones as they are, and clients that did not agree get the same plain")
    func outbound() async throws {
        try await withCompression { server in
            let smaller = try await WebSocketProbe.open(server.port, extensions: Self.offer)
            let plain = try await WebSocketProbe.open(server.port)
            let tiny = try await WebSocketProbe.open(
                server.port, extensions: "permessage-deflate; server_max_window_bits=9")
            let text = String(repeating: "push is not poll. ", count: 300)
            for client in [smaller, plain, tiny] {
                try await client.send(subscribe)
                try await client.text(containing: "subscribed")
            }
            let before = (smaller.received, plain.received, tiny.received)
            try server.publish([text, "short"], on: "news")
            for client in [smaller, plain, tiny] {
                try await client.text(containing: text)
                try await client.text(containing: "short")
            }
            #expect(plain.received - before.1 > 5400)
            #expect(smaller.received - before.0 < 700 && tiny.received - before.2 < 700)
            let told = server.deliveries.list.reduce(0) { $0 + $1.bytes }
            let sent = (smaller.received - before.0) + (plain.received - before.1) + (tiny.received - before.2)
            #expect(told == sent, "what is counted is what was sent")
        }
    }

    @Test("what the client sends compressed is read; what becomes too long, or is no deflate, ends the connection")
    func inbound() async throws {
        try await withCompression { server in
            let client = try await WebSocketProbe.open(server.port, extensions: Self.offer)
            let space = String(repeating: " ", count: 200)
            try await client.raw.send(try compressed(#"{"type":"subscribe",\#(space)"channel":"news"}"#))
            try await client.text(containing: #""type":"subscribed""#)
            // 200 KiB of it take some 200 bytes, and 64 KiB are allowed.
            try await client.raw.send(try compressed(String(repeating: "x", count: 200 << 10)))
            #expect(try await client.closeCode() == 1009)
            let broken = try await WebSocketProbe.open(server.port, extensions: Self.offer)
            try await broken.raw.send(
                WebSocketFrame.encode(.text, [0xFF, 0xFF, 0xFF, 0xFF], isCompressed: true, mask: 7))
            #expect(try await broken.closeCode() == 1007)
            try await eventually("they are gone") { server.server.openConnections == 0 }
        }
    }

    /// Text that hardly becomes shorter, so that a budget is spent with compression as well.
    func noise(_ count: Int, _ random: inout SplitMix) -> String {
        String(
            (0..<count).map { _ in
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_".randomElement(using: &random) ?? "?"
            })
    }

    @Test("a client that resumes, and one that stalls on the way, get every message compressed, in order")
    func replayAndSlowReader() async throws {
        try await withCompression(budget: 32 << 10) { server in
            var random = SplitMix(state: 7)
            let texts = (0..<64).map { "\($0):" + noise(4 << 10, &random) }
            let first = try server.publish(["begin"], on: "news")
            for text in texts[..<32] { try server.publish([text], on: "news") }
            let client = try await WebSocketProbe.open(server.port, extensions: Self.offer, stalled: true)
            try await client.send(#"{"type":"subscribe","channel":"news","since":"\#(first)"}"#)
            try await eventually("it is subscribed") { server.hub.usage.subscriptions == 1 }
            for text in texts[32...] { try server.publish([text], on: "news") }
            try await client.raw.resume()
            _ = try await client.raw.answer()
            try await client.text(containing: "subscribed")
            for text in texts { #expect(try await client.text().contains(text)) }
            #expect(client.received < 64 * (4 << 10) * 9 / 10)
        }
    }
}
