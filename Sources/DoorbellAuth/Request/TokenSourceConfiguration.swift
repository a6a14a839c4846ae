/// Where a handshake may carry its token. `Authorization: Bearer`, the subprotocol and `?ticket=` are always looked at.
public struct TokenSourceConfiguration: Sendable {
    /// Whether tokens are looked for. `false`: only tickets, and everything else is the legacy API's business. Default `true`.
    public var readsTokens = true
    /// The cookie with the token. Browsers send cookies along for any page, so the `Origin` has to be checked. Default `nil`: none.
    public var cookie: String?
    /// Whether `?token=` is looked at. What stands in URLs ends up in logs, histories and `Referer`s of others. Default `false`.
    public var allowsQueryToken = false
    /// Bytes of a token; a longer one is refused. As ``TokenConfiguration/maximumTokenSize``, default 8 KiB.
    public var maximumTokenSize = 8 << 10

    public init() {}

    /// What is wrong, as a sentence; `nil`: nothing.
    public var problem: String? {
        if let cookie, cookie.isEmpty || !cookie.utf8.allSatisfy(CookieHeader.isNameByte) {
            return "the cookie's name is empty or has other bytes than a cookie's name may have"
        }
        return nil
    }
}
