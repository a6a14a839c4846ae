public import DoorbellCore
public import NIOHTTP1

extension CohortMember {
    /// Bytes of a name that is looked at; longer ones are cut, which is as good for telling clients apart.
    private static let maximumName = 8 << 10

    /// Who sent a request, as `rule` tells clients apart. Pure; nothing is verified.
    ///
    /// A poll and a handshake of one client give the same, as long as they carry the same credentials: a handshake is looked at with what
    /// the legacy API is asked with in its name, so a token of a subprotocol or a message, and what a ticket was given for, count too.
    ///
    /// - Parameter address: The peer's, without its port.
    public init(of rule: CohortRule, headers: HTTPHeaders, address: String?) {
        switch rule.identity {
        case .user(let claim, let cookie):
            let authorization = headers.first(name: "authorization")
            var tokens = authorization.map { [Self.bearer($0)] } ?? []
            if let cookie { tokens += CookieHeader.values(of: cookie, in: headers["cookie"]) }
            if let name = tokens.lazy.compactMap({ $0.flatMap { Self.claim(claim, of: $0) } }).first {
                self.init(kind: "user", name)
            } else if let authorization {
                self.init(key: "authorization:" + Self.cut(authorization), name: nil)
            } else {
                self.init(fallback: headers, address)
            }
        case .cookie(let cookie):
            if let value = CookieHeader.values(of: cookie, in: headers["cookie"]).first(where: { !$0.isEmpty }) {
                self.init(kind: "cookie", value)
            } else {
                self.init(fallback: headers, address)
            }
        case .address:
            guard let address = Self.address(headers, peer: address) else {
                self.init(fallback: headers, address)
                return
            }
            self.init(kind: "address", address)
        }
    }

    private init(kind: String, _ name: String) {
        let name = Self.cut(name)
        self.init(key: "\(kind):\(name)", name: name)
    }

    /// Lists of users do not name addresses.
    private init(fallback headers: HTTPHeaders, _ peer: String?) {
        self.init(key: "address:" + (Self.address(headers, peer: peer) ?? ""), name: nil)
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= maximumName ? text : String(decoding: text.utf8.prefix(maximumName), as: UTF8.self)
    }

    private static func bearer(_ value: String) -> String? {
        let words = value.utf8.split(separator: 0x20)
        guard words.count == 2, String(Substring(words[0])).lowercased() == "bearer" else { return nil }
        return String(Substring(words[1]))
    }

    /// What a JSON Web Token says, whether or not it is true.
    private static func claim(_ claim: String, of token: String) -> String? {
        guard token.utf8.count <= maximumName else { return nil }
        let parts = token.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Base64URL.decode(parts[1]) else { return nil }
        return Claims(json: payload).texts(claim).first { !$0.isEmpty }
    }

    // MARK: Addresses

    /// The client's own as the proxies tell it, the first one first; else the peer's.
    private static func address(_ headers: HTTPHeaders, peer: String?) -> String? {
        let forwarded = headers[canonicalForm: "x-forwarded-for"].first.map(String.init)
        return (forwarded.flatMap(normal) ?? peer.flatMap(normal)) ?? forwarded ?? peer
    }

    /// One spelling for one address; of IPv6 the first 64 bits, because hosts change the others by themselves. `nil`: not an address.
    static func normal(_ text: String) -> String? {
        guard let range = AddressRange(text) else { return nil }
        return (range.isIPv4 ? range : range.prefix(min(64, range.length)) ?? range).description
    }

    /// How a list of the configuration has to name what ``init(of:headers:address:)`` names. `nil`: nothing could ever be named so.
    public static func listed(_ text: String, by identity: CohortRule.Identity) -> String? {
        switch identity {
        case .user, .cookie: text.isEmpty ? nil : text
        case .address: normal(text)
        }
    }
}
