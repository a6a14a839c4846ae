/// What tokens are accepted. A plain value; ``problem`` says what is wrong with it.
public struct TokenConfiguration: Sendable {
    /// Where the keys come from. No default.
    public var keys: KeySource
    /// What tokens may be signed with; the token only chooses among these. Empty: what the keys are for, which is HS256 for a
    /// secret, and RS256, ES256, ES384, ES512 and EdDSA for everything else. Default empty.
    public var algorithms: Set<TokenAlgorithm> = []
    /// Accepted values of `iss`. Empty: not looked at. Default empty.
    public var issuers: [String] = []
    /// Accepted values of `aud`. Empty: tokens with an audience are refused. Default empty.
    public var audiences: [String] = []
    /// How far the issuer's clock may be from ours, either way. Whole seconds, 0 s to 10 min, default 30 s.
    public var clockSkew: Duration = .seconds(30)
    /// Bytes of a token in compact form. 256 to 65,536, default 8 KiB.
    public var maximumTokenSize = 8 << 10
    /// Verified tokens that are remembered, so that a reconnect costs no signature. 0 to 1,000,000, default 10,000. The oldest
    /// leaves; together they also hold no more than ``cacheBytes``.
    public var cacheSize = 10_000
    /// Bytes of claims that remembered tokens may hold together. Default 16 MiB.
    public var cacheBytes = 16 << 20
    /// The claim that names the user; a path into nested claims with dots between is allowed. Default `sub`.
    public var subjectClaim = "sub"
    /// The claim with a list of ``ChannelPattern``s that its bearer may subscribe to without being asked for anything else. `nil`:
    /// not looked at, because issuers may use the name for something of their own. Default `nil`.
    public var channelsClaim: String?
    /// The claim that others on a channel may see, see ``Identity/presence``. Default `nil`.
    public var presenceClaim: String?

    public init(keys: KeySource) { self.keys = keys }

    /// Where the keys come from.
    public enum KeySource: Sendable {
        /// A shared secret, for HS256, HS384 and HS512; at least as long as the digest.
        case secret(Secret)
        /// A public key or a certificate in PEM. Read again when the file changes.
        case pemFile(String)
        /// A JSON Web Key Set (RFC 7517). Read again when the file changes. Secrets in it (`oct`) count only where
        /// ``TokenConfiguration/algorithms`` names an HS algorithm.
        case jwksFile(String)
        /// A key set behind a URL.
        case jwksURL(KeySetURL)
    }

    /// How a key set is fetched.
    public struct KeySetURL: Sendable {
        /// `https:`; `http:` only for this machine or with ``allowsPlainHTTP``.
        public var url: String
        /// Whoever sits on the way to a plain URL can make tokens. Default `false`.
        public var allowsPlainHTTP = false
        /// The set is fetched again when the answer's `Cache-Control: max-age` has passed, but not before this. Default 60 s.
        public var minimumAge: Duration = .seconds(60)
        /// And after this at the latest. Default 24 h.
        public var maximumAge: Duration = .seconds(86_400)
        /// The age for answers that say nothing. Default 10 min.
        public var defaultAge: Duration = .seconds(600)
        /// Between two fetches because of a key that nobody knows. Default 30 s.
        public var unknownKeyInterval: Duration = .seconds(30)
        /// For one fetch, and so for a token that waits for it. Default 5 s.
        public var timeout: Duration = .seconds(5)

        public init(_ url: String) { self.url = url }
    }

    /// The algorithms with the defaults filled in.
    var acceptedAlgorithms: Set<TokenAlgorithm> {
        guard algorithms.isEmpty else { return algorithms }
        if case .secret = keys { return [.hs256] }
        return [.rs256, .es256, .es384, .es512, .eddsa]
    }

    /// What is wrong, as a sentence without anything secret; `nil`: nothing.
    public var problem: String? {
        let accepted = acceptedAlgorithms
        if case .secret(let secret) = keys {
            if let foreign = accepted.first(where: { !$0.isSymmetric }) {
                return "\(foreign.rawValue) needs a public key, not a secret"
            }
            let needed = accepted.map(\.minimumSecretLength).max() ?? 32
            if secret.count < needed {
                return "the secret has \(secret.count) bytes and needs \(needed) at least"
            }
        } else if let symmetric = accepted.first(where: \.isSymmetric) {
            // An HS key that anybody can fetch would let anybody sign.
            guard case .jwksFile = keys else { return "\(symmetric.rawValue) needs a secret, not a public key" }
        }
        if case .jwksURL(let source) = keys, let problem = source.problem { return problem }
        if clockSkew < .zero || clockSkew > .seconds(600) { return "the clock skew must be from 0s to 10m" }
        if !(256...65_536).contains(maximumTokenSize) { return "the token size must be from 256B to 64KiB" }
        if !(0...1_000_000).contains(cacheSize) || cacheBytes < 0 {
            return "the cache must be from 0 to 1000000 tokens"
        }
        if subjectClaim.isEmpty { return "the claim that names the user is empty" }
        return nil
    }
}

extension TokenConfiguration.KeySetURL {
    var problem: String? {
        let lower = url.lowercased()
        // A password in a URL ends up in logs.
        guard !lower.contains("@") else { return "the key set's URL may not have a user's name or password" }
        if lower.hasPrefix("https://"), lower.utf8.count > 8 { return durationProblem }
        guard lower.hasPrefix("http://"), lower.utf8.count > 7 else {
            return "the key set's URL must begin with 'https://'"
        }
        let authority = lower.dropFirst(7).prefix { $0 != "/" && $0 != "?" }
        let local = ["localhost", "127.0.0.1", "[::1]"].contains { name in
            authority == name || authority.hasPrefix(name + ":")
        }
        guard local || allowsPlainHTTP else {
            return "the key set's URL must begin with 'https://': whoever sits on the way could make tokens"
        }
        return durationProblem
    }

    private var durationProblem: String? {
        guard minimumAge >= .seconds(1), minimumAge <= maximumAge, unknownKeyInterval >= .seconds(1) else {
            return "the ages of the key set must be 1s at least, and the lowest not above the highest"
        }
        guard timeout >= .milliseconds(100), timeout <= .seconds(60) else {
            return "the time for fetching the key set must be from 100ms to 1m"
        }
        return nil
    }
}
