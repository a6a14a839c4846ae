import DoorbellCore

/// A token taken apart (RFC 7515, section 7.1), with nothing verified yet.
///
/// Of the header only `alg`, `kid`, `typ` and `crit` are looked at: keys that a token brings along (`jwk`, `jku`, `x5u`,
/// `x5c`) are never used.
struct CompactToken {
    /// `nil`: one that we do not know, `none` among them.
    let algorithm: TokenAlgorithm?
    let keyID: String?
    /// JSON; its syntax is not checked yet.
    let payload: [UInt8]
    let signature: [UInt8]
    /// What the signature is of: header, dot and payload as they were sent.
    let signed: ArraySlice<UInt8>

    private static let maximumKeyID = 256

    init(_ token: [UInt8]) throws(TokenError) {
        let parts = token.split(separator: 0x2E, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw TokenError(.malformed, "the token is not three parts with dots between")
        }
        guard let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { throw TokenError(.malformed, "a part of the token is not base64url") }
        var algorithm: String?
        var keyID: String?
        var type: String?
        var isCritical = false
        do throws(JSONError) {
            var scanner = JSONScanner(header)
            var seen: Set<String> = []
            try scanner.object { (key, scanner) throws(JSONError) in
                guard seen.insert(key).inserted else { throw JSONError("repeated member", at: scanner.offset) }
                switch key {
                case "alg": algorithm = try scanner.string()
                case "kid": keyID = try scanner.string()
                case "typ": type = try scanner.string()
                case "crit":
                    isCritical = true
                    try scanner.skipValue()
                default: try scanner.skipValue()
                }
            }
            try scanner.end()
        } catch {
            throw TokenError(.malformed, "the token's header is not the JSON it should be")
        }
        guard let algorithm else { throw TokenError(.malformed, "the token's header has no 'alg'") }
        guard !isCritical else {
            throw TokenError(.malformed, "the token's header has 'crit', whose extensions are not understood")
        }
        guard Self.isAccessToken(type) else {
            throw TokenError(.malformed, "the token's 'typ' is neither 'JWT' nor 'at+jwt'")
        }
        guard (keyID?.utf8.count ?? 0) <= Self.maximumKeyID else {
            throw TokenError(.malformed, "the token's 'kid' is too long")
        }
        self.algorithm = TokenAlgorithm(rawValue: algorithm)
        self.keyID = keyID
        self.payload = payload
        self.signature = signature
        self.signed = token[..<parts[1].endIndex]
    }

    /// Tokens made for something else (logout, security events, proofs of possession) say so in `typ` (RFC 8725, section 3.11).
    private static func isAccessToken(_ type: String?) -> Bool {
        guard var type = type?.lowercased() else { return true }
        if type.hasPrefix("application/") { type.removeFirst("application/".count) }
        return type == "jwt" || type == "at+jwt"
    }
}
