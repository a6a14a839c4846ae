import DoorbellWire
import NIOHTTP1

/// Checks the answer to an opening handshake (RFC 6455, section 4.1).
struct UpgradeResponse {
    let key: String
    let offered: [String]

    /// - Returns: The subprotocol that the server chose.
    /// - Throws: ``ConnectError/invalidHandshake(_:)``.
    func check(_ head: HTTPResponseHead) throws(ConnectError) -> String? {
        guard tokens(head, "Upgrade").contains("websocket") else { throw .invalidHandshake("no 'Upgrade: websocket'") }
        guard tokens(head, "Connection").contains("upgrade") else {
            throw .invalidHandshake("no 'Connection: Upgrade'")
        }
        guard head.headers["Sec-WebSocket-Accept"] == [WebSocketHandshake.accept(key: key)] else {
            throw .invalidHandshake("'Sec-WebSocket-Accept' does not answer our key")
        }
        guard head.headers["Sec-WebSocket-Extensions"].allSatisfy(\.isEmpty) else {
            throw .invalidHandshake("an extension that was not asked for")
        }
        let chosen = head.headers["Sec-WebSocket-Protocol"]
        guard chosen.count <= 1, chosen.allSatisfy(offered.contains) else {
            throw .invalidHandshake("a subprotocol that was not offered")
        }
        return chosen.first
    }

    private func tokens(_ head: HTTPResponseHead, _ name: String) -> [String] {
        head.headers[canonicalForm: name].map { $0.lowercased() }
    }
}
