import DoorbellCore
import DoorbellTestSupport
import DoorbellWire
import NIOSSL

/// A WebSocket client made of a raw socket and the frame parser.
final class WebSocketProbe: Sendable {
    let raw: RawClient
    private let state:
        Locked<
            (parser: WebSocketFrameParser, events: [WebSocketFrameParser.Event], received: Int)
        >

    private init(raw: RawClient, isCompressed: Bool) {
        self.raw = raw
        let parser = WebSocketFrameParser(
            role: .client, maximumMessageSize: 64 << 20, allowsCompression: isCompressed)
        state = Locked((parser, [], 0))
    }

    static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    static func handshake(_ path: String = "/_doorbell/ws", headers: [String] = []) -> String {
        var lines = [
            "GET \(path) HTTP/1.1", "Host: doorbell.test", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: \(key)",
        ]
        lines += headers
        return lines.joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Bytes of frames so far.
    var received: Int { state.withLock { $0.received } }

    /// Connects and has the handshake accepted.
    ///
    /// - Parameter extensions: What is offered; whatever is taken of it is understood.
    static func open(
        _ port: Int, host: String = "127.0.0.1", path: String = "/_doorbell/ws", headers: [String] = [],
        extensions: String? = nil, stalled: Bool = false, tls: NIOSSLContext? = nil
    ) async throws -> WebSocketProbe {
        let raw = try await RawClient(port: port, host: host, stalled: stalled, tls: tls)
        let offer = extensions.map { ["Sec-WebSocket-Extensions: \($0)"] } ?? []
        try await raw.send(handshake(path, headers: headers + offer))
        let probe = WebSocketProbe(raw: raw, isCompressed: extensions != nil)
        if stalled { return probe }
        let answer = try await raw.answer()
        guard answer.status == 101 else {
            throw RawClient.TimedOut(description: "answered \(answer.status) \(answer.text)")
        }
        return probe
    }

    func send(_ text: String) async throws {
        try await raw.send(WebSocketFrame.encode(.text, Array(text.utf8), mask: 0x0102_0304))
    }

    /// Events so far that nobody took.
    private func pull() throws -> [WebSocketFrameParser.Event] {
        let bytes = raw.bytes
        raw.drop(bytes.count)
        return try state.withLock { state in
            state.parser.append(bytes)
            state.received += bytes.count
            while let event = try state.parser.next() { state.events.append(event) }
            return state.events
        }
    }

    /// The next event.
    func next() async throws -> WebSocketFrameParser.Event {
        try await raw.wait(for: "a WebSocket event") { _ in try !self.pull().isEmpty }
        return state.withLock { $0.events.removeFirst() }
    }

    /// The next text message; pings are passed over.
    func text() async throws -> String {
        while true {
            switch try await next() {
            case .text(let bytes): return String(decoding: bytes, as: UTF8.self)
            case .ping: continue
            case let other: throw RawClient.TimedOut(description: "not a text but \(other)")
            }
        }
    }

    /// The close code with which the server ends, whatever comes before it.
    func closeCode() async throws -> UInt16? {
        while true {
            if case .close(let code, _) = try await next() { return code }
        }
    }

    /// Reads texts until one contains `part`.
    @discardableResult
    func text(containing part: String) async throws -> String {
        while true {
            let text = try await text()
            if text.contains(part) { return text }
        }
    }
}
