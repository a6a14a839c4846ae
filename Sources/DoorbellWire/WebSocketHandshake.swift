/// The arithmetic of the opening handshake (RFC 6455, sections 1.3 and 4).
public enum WebSocketHandshake {
    private static let magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    /// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key`.
    public static func accept(key: String) -> String { Base64.encode(SHA1.hash(Array((key + magic).utf8))) }

    /// Whether `key` is 16 bytes in base64, as section 4.1 demands of clients.
    public static func isValid(key: String) -> Bool {
        let text = Array(key.utf8)
        guard text.count == 24, text[22] == 0x3D, text[23] == 0x3D else { return false }
        return text[..<22].allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F: true
            default: false
            }
        }
    }

    /// A key for a client's request, of 16 random bytes.
    public static func makeKey(using generator: inout some RandomNumberGenerator) -> String {
        Base64.encode((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }
}
