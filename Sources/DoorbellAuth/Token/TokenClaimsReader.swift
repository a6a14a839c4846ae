import DoorbellCore

/// The claims of a token whose signature has been verified: are they for us, and are they for now (RFC 7519, section 4.1)? Pure.
struct TokenClaimsReader: Sendable {
    let configuration: TokenConfiguration

    private static let maximumChannels = 256
    /// The last second of the year 9999: later moments are taken for this one.
    private static let latest: Double = 253_402_300_799

    private struct Registered {
        var expires: Double?
        var notBefore: Double?
        var issuedAt: Double?
        var issuer: String?
        /// `nil`: the token has none.
        var audiences: [String]?
    }

    func identity(_ payload: [UInt8], now: Timestamp) throws(TokenError) -> Identity {
        let registered = try registered(payload)
        let expiresAt = try checkTimes(registered, now: now)
        try checkIssuer(registered)
        try checkAudience(registered)
        let claims = Claims(json: payload)
        guard claims.value(configuration.subjectClaim)?.first != 0x5B,
            let subject = claims.texts(configuration.subjectClaim).first, !subject.isEmpty
        else {
            throw TokenError(.claim, "the token has no '\(configuration.subjectClaim)'")
        }
        // PostgreSQL has no text with it.
        guard !subject.utf8.contains(0) else {
            throw TokenError(.claim, "the token's '\(configuration.subjectClaim)' has U+0000 in it")
        }
        return Identity(
            subject: subject, expiresAt: expiresAt, claims: claims, channels: try channels(claims),
            presence: try presence(claims))
    }

    // MARK: Checks

    private func checkTimes(_ claims: Registered, now: Timestamp) throws(TokenError) -> Timestamp {
        let seconds = Double(now.microseconds) / 1e6
        let skew = Double(configuration.clockSkew.components.seconds)
        guard let expires = claims.expires else { throw TokenError(.claim, "the token has no 'exp'") }
        let end = min(expires, Self.latest) + skew
        guard seconds < end else { throw TokenError(.expired, "the token has expired") }
        if let notBefore = claims.notBefore, notBefore - skew > seconds {
            throw TokenError(.notYetValid, "the token is not valid yet ('nbf')")
        }
        if let issuedAt = claims.issuedAt, issuedAt - skew > seconds {
            throw TokenError(.notYetValid, "the token was issued in the future ('iat'): do the clocks agree?")
        }
        return Timestamp(microseconds: Int64(end * 1e6))
    }

    private func checkIssuer(_ claims: Registered) throws(TokenError) {
        guard !configuration.issuers.isEmpty else { return }
        guard let issuer = claims.issuer else { throw TokenError(.issuer, "the token has no 'iss'") }
        guard Self.contains(configuration.issuers, issuer) else {
            throw TokenError(.issuer, "the token is by another issuer than the configured ones")
        }
    }

    /// A token that names an audience is for nobody else (RFC 7519, section 4.1.3), whether or not one is configured.
    private func checkAudience(_ claims: Registered) throws(TokenError) {
        guard let audiences = claims.audiences else {
            guard configuration.audiences.isEmpty else { throw TokenError(.audience, "the token has no 'aud'") }
            return
        }
        guard !configuration.audiences.isEmpty else {
            throw TokenError(.audience, "the token has an audience ('aud') and none is configured")
        }
        guard audiences.contains(where: { Self.contains(configuration.audiences, $0) }) else {
            throw TokenError(.audience, "the token is for another audience than the configured ones")
        }
    }

    /// By bytes: Swift calls two Unicode spellings of one text equal, the issuer need not.
    private static func contains(_ list: [String], _ text: String) -> Bool {
        list.contains { $0.utf8.elementsEqual(text.utf8) }
    }

    private func channels(_ claims: Claims) throws(TokenError) -> [ChannelPattern] {
        guard let claim = configuration.channelsClaim, claims.value(claim) != nil else { return [] }
        let texts = claims.texts(claim)
        guard texts.count <= Self.maximumChannels else {
            throw TokenError(.claim, "the token's '\(claim)' has more than \(Self.maximumChannels) channels")
        }
        var patterns: [ChannelPattern] = []
        for text in texts {
            guard let pattern = ChannelPattern(text) else {
                throw TokenError(.claim, "the token's '\(claim)' has an entry that is no channel pattern")
            }
            patterns.append(pattern)
        }
        return patterns
    }

    private func presence(_ claims: Claims) throws(TokenError) -> [UInt8]? {
        guard let claim = configuration.presenceClaim, let value = claims.value(claim) else { return nil }
        guard value.count <= Identity.maximumPresence else {
            throw TokenError(.claim, "the token's '\(claim)' is longer than \(Identity.maximumPresence) bytes")
        }
        return value
    }

    // MARK: Reading

    private func registered(_ payload: [UInt8]) throws(TokenError) -> Registered {
        var claims = Registered()
        do throws(JSONError) {
            var scanner = JSONScanner(payload)
            var seen: Set<String> = []
            try scanner.object { (key, scanner) throws(JSONError) in
                // Two readers of such a token could disagree about its meaning (RFC 7519, section 4).
                guard seen.insert(key).inserted else { throw JSONError("repeated claim", at: scanner.offset) }
                switch key {
                case "exp": claims.expires = try Self.moment(&scanner, payload)
                case "nbf": claims.notBefore = try Self.moment(&scanner, payload)
                case "iat": claims.issuedAt = try Self.moment(&scanner, payload)
                case "iss": claims.issuer = try scanner.string()
                case "aud": claims.audiences = try Self.audiences(&scanner)
                default: try scanner.skipValue()
                }
            }
            try scanner.end()
        } catch {
            throw TokenError(.malformed, "the token's claims are not the JSON they should be")
        }
        return claims
    }

    /// Seconds since 1970, which may have a fraction.
    private static func moment(_ scanner: inout JSONScanner, _ bytes: [UInt8]) throws(JSONError) -> Double {
        let range = try scanner.skipValue()
        guard let seconds = Double(String(decoding: bytes[range], as: UTF8.self)), seconds.isFinite else {
            throw JSONError("expected a number", at: range.lowerBound)
        }
        return seconds
    }

    private static func audiences(_ scanner: inout JSONScanner) throws(JSONError) -> [String] {
        guard scanner.peek() == 0x5B else { return [try scanner.string()] }
        var list: [String] = []
        try scanner.array { (scanner) throws(JSONError) in list.append(try scanner.string()) }
        return list
    }
}
