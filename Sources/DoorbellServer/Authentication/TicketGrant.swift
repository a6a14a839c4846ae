import DoorbellAuth
import NIOHTTP1

/// What a ticket stands for: whom its token named, and what the legacy API knows the caller by. Shows neither.
struct TicketGrant: Sendable, CustomStringConvertible {
    let identity: Identity?
    private let credentials: HTTPHeaders

    /// Bytes of ``credentials``. With ``TicketConfiguration/maximumTickets`` the bound of what tickets take.
    static let maximumSize = 8 << 10

    /// What the legacy API knows callers by. Others describe the request, and the handshake has its own.
    private static let names = ["authorization", "cookie"]

    /// - Returns: `nil` when the credentials are longer than ``maximumSize``.
    init?(_ identity: Identity?, headers: HTTPHeaders) {
        let credentials = HTTPHeaders(headers.filter { Self.names.contains($0.name.lowercased()) }.map { $0 })
        guard credentials.reduce(0, { $0 + $1.name.utf8.count + $1.value.utf8.count }) <= Self.maximumSize else {
            return nil
        }
        self.identity = identity
        self.credentials = credentials
    }

    /// A handshake's headers with these credentials in the place of its own: two callers are not mixed.
    func applied(to headers: HTTPHeaders) -> HTTPHeaders {
        var headers = headers
        for name in Self.names { headers.remove(name: name) }
        headers.add(contentsOf: credentials)
        return headers
    }

    var description: String { "a ticket's grant" }
}
