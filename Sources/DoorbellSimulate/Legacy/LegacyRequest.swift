import NIOHTTP1

/// What the simulated legacy API makes of a request's head. Pure.
struct LegacyRequest: Equatable {
    /// Whose rows are asked for.
    let user: Int
    let ifNoneMatch: String?

    enum Refusal: Error, Equatable {
        case notFound, notAllowed, forbidden

        var status: HTTPResponseStatus {
            switch self {
            case .notFound: .notFound
            case .notAllowed: .methodNotAllowed
            case .forbidden: .forbidden
            }
        }
    }

    static func path(of user: Int) -> String { "/api/users/\(user)/notifications" }
    /// A user may read what is the user's own.
    static func authorization(of user: Int) -> String { "Bearer user-\(user)" }

    init(_ head: HTTPRequestHead) throws(Refusal) {
        let parts = head.uri.prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "api", parts[2] == "users",
            parts[4] == "notifications", let user = Int(parts[3])
        else { throw .notFound }
        guard head.method == .GET else { throw .notAllowed }
        guard head.headers.first(name: "authorization") == Self.authorization(of: user) else { throw .forbidden }
        self.user = user
        self.ifNoneMatch = head.headers.first(name: "if-none-match")
    }

    /// Of an answer: FNV-1a, 64 bits.
    static func entityTag(of body: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return "\"" + String(hash, radix: 16) + "\""
    }
}
