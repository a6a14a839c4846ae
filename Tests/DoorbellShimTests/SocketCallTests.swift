import DoorbellCore
import DoorbellRollout
import DoorbellTestSupport
import DoorbellWire
import NIOCore
import NIOHTTP1
import Testing

/// Calls over a socket go the way of every request to the legacy API.
@Suite struct SocketCallTests {
    /// Makes calls over one socket.
    private final class Caller: Sendable {
        private let raw: RawClient
        private let parser = Locked(WebSocketFrameParser(role: .client, maximumMessageSize: 8 << 20))

        init(_ shim: TestShim) async throws {
            raw = try await RawClient(port: shim.port)
            let lines = [
                "GET /_doorbell/ws HTTP/1.1", "Host: shop.test", "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Cookie: s=1",
            ]
            try await raw.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
            _ = try await raw.answer()
            _ = try await next()
        }

        func call(_ members: String) async throws -> String {
            let message = #"{"type":"request","id":1,\#(members)}"#
            try await raw.send(WebSocketFrame.encode(.text, Array(message.utf8), mask: 7))
            return try await next()
        }

        private func next() async throws -> String {
            var text: String?
            try await raw.wait(for: "a message") { raw in
                let bytes = raw.bytes
                raw.drop(bytes.count)
                let event = try self.parser.withLock { parser in
                    parser.append(bytes)
                    return try parser.next()
                }
                guard case .text(let bytes)? = event else { return false }
                text = String(decoding: bytes, as: UTF8.self)
                return true
            }
            return text ?? ""
        }

        func close() async { await raw.close() }
    }

    @Test("a feature's poll has the headers of a poll, and is not sent again when nothing changed")
    func poll() async throws {
        let orders = Feature(
            name: "orders", poll: try PollPattern("GET /api/orders/{id}"), tables: [],
            channel: try ChannelTemplate("orders:{id}"), stage: .push)
        let legacy = try await LegacyServer { _ in .reply(.ok, ["content-type": "application/json"], #"{"n":1}"#) }
        try await withShim(legacy, features: [orders]) { shim in
            let caller = try await Caller(shim)
            let first = try await caller.call(#""method":"GET","path":"/api/orders/42""#)
            #expect(first.contains(#""status":200"#) && first.contains(#""body":{"n":1}"#))
            #expect(first.contains(#""doorbell-feature":"orders""#) && first.contains(#""doorbell-position":"1.1-0""#))
            // "etag":"W/\"…\"" in JSON.
            let tag = try #require(first.split(separator: #""etag":"W/\""#).last?.split(separator: #"\""#).first)
            let again = try await caller.call(
                #""method":"GET","path":"/api/orders/42","headers":{"If-None-Match":"W/\"\#(tag)\""}"#)
            #expect(again.contains(#""status":304"#) && again.contains(#""body":null"#))
            #expect(shim.polls.requests == 2)
            let head = try #require(legacy.requests.first?.head)
            #expect(head.headers["cookie"] == ["s=1"] && head.headers["x-forwarded-for"] == ["127.0.0.1"])
            #expect(!head.headers.contains(name: "upgrade") && !head.headers.contains(name: "content-length"))
            await caller.close()
        }
    }

    @Test("a body arrives whole, and a POST without one has the length 0")
    func body() async throws {
        let legacy = try await LegacyServer { request in
            .reply(.ok, [:], "\(request.bodySize) \(request.head.headers["content-length"])")
        }
        try await withShim(legacy) { shim in
            let caller = try await Caller(shim)
            let text = String(repeating: "x", count: 40_000)
            #expect(
                try await caller.call(#""method":"POST","path":"/a","body":"\#(text)""#)
                    .contains(#""body":"40000 [\"40000\"]""#))
            #expect(
                try await caller.call(#""method":"POST","path":"/a""#).contains(#""body":"0 [\"0\"]""#))
            await caller.close()
        }
    }

    @Test("an answer that is too long is given up where it is, and one that breaks off is an error")
    func tooLong() async throws {
        let legacy = try await LegacyServer { request in
            request.head.uri == "/long" ? .stream(256 << 20) : .breakOff(length: 100)
        }
        try await withShim(legacy) { shim in
            let caller = try await Caller(shim)
            #expect(try await caller.call(#""method":"GET","path":"/long""#).contains(#""code":"limit""#))
            try await eventually("the legacy API is told") { legacy.abandoned == 1 }
            #expect(legacy.produced < 64 << 20)
            #expect(
                try await caller.call(#""method":"GET","path":"/broken""#).contains(#""code":"upstream_unavailable""#))
            await caller.close()
        }
    }

    @Test("a client that leaves ends its calls at the legacy API")
    func leaving() async throws {
        let legacy = try await LegacyServer { _ in .silence }
        try await withShim(legacy) { shim in
            let caller = try await Caller(shim)
            let call = Task { try? await caller.call(#""method":"GET","path":"/slow""#) }
            try await eventually("it has arrived") { legacy.requests.count == 1 }
            call.cancel()
            await caller.close()
            try await eventually("it is given up") { legacy.abandoned == 1 }
        }
    }
}
