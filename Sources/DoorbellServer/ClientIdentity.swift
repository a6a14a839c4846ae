import Crypto
import NIOHTTP1

/// Who a client is to its durable cursors, so that it can move nobody else's. A digest: neither names nor secrets are stored.
enum ClientIdentity {
    /// The subject of a token.
    static func digest(subject: String) -> String { digest("subject", [subject]) }

    /// Without a token: the credentials of the handshake. A client that gets new ones (another cookie) is another one, and is told
    /// so by `recovered: false`. Without any, clients are told apart by the names that they give themselves only.
    static func digest(credentials headers: HTTPHeaders) -> String {
        digest("credentials", headers["authorization"] + headers["cookie"])
    }

    private static func digest(_ kind: String, _ parts: [String]) -> String {
        var hash = SHA256()
        for part in [kind] + parts {
            // With its length, so that two texts are never taken for one.
            hash.update(data: Array("\(part.utf8.count):\(part)".utf8))
        }
        return hash.finalize().map { byte in
            let digits = String(byte, radix: 16)
            return digits.count < 2 ? "0" + digits : digits
        }.joined()
    }
}
