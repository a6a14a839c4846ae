import DoorbellWire

/// A request for a WebSocket, as far as an echo server needs to understand it.
struct HandshakeRequest {
    /// By name in lower case.
    private let headers: [String: String]
    /// What came after the head.
    let rest: [UInt8]

    /// - Returns: `nil` until the whole head is there.
    init?(_ bytes: [UInt8]) {
        let end: [UInt8] = [13, 10, 13, 10]
        guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) else { return nil }
        rest = Array(bytes[(start + end.count)...])
        var headers: [String: String] = [:]
        for line in String(decoding: bytes[..<start], as: UTF8.self).split(separator: "\r\n").dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        self.headers = headers
    }

    /// The head of the answer, and what it agrees to about compression; `nil` for a request that asks for something else.
    ///
    /// - Parameter compresses: Whether offers of compression are taken.
    func answer(compresses: Bool) -> (head: String, compression: PerMessageDeflate?)? {
        guard headers["upgrade"]?.lowercased() == "websocket", headers["sec-websocket-version"] == "13",
            let key = headers["sec-websocket-key"], WebSocketHandshake.isValid(key: key),
            let offers = WebSocketExtension.parse(headers["sec-websocket-extensions"].map { [$0] } ?? [])
        else { return nil }
        let compression = compresses ? PerMessageDeflate.accept(offers) : nil
        let lines = [
            "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Accept: \(WebSocketHandshake.accept(key: key))",
        ]
        let agreed = compression.map { ["Sec-WebSocket-Extensions: \($0.headerValue)"] } ?? []
        return ((lines + agreed + ["", ""]).joined(separator: "\r\n"), compression)
    }
}
