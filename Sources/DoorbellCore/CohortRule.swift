/// How the clients of a feature are told apart for `canary`.
///
/// A cohort is no right: it decides how a client is told what it may be told anyway. So nothing here is verified.
public struct CohortRule: Hashable, Sendable {
    public enum Identity: Hashable, Sendable {
        /// What the client's token claims; without one its `Authorization`, whatever that is; without that its address.
        ///
        /// - Parameters:
        ///   - claim: A claim, or a path into nested ones with dots between.
        ///   - cookie: Where the token may stand besides `Authorization: Bearer`.
        case user(claim: String, cookie: String?)
        /// A cookie's value; without it the client's address.
        case cookie(String)
        /// The client's address: the first in `X-Forwarded-For`, else the peer's. Of IPv6 the first 64 bits.
        case address
    }

    public var identity: Identity
    /// Told to use push in `canary` whatever the percentage: values of the claim, of the cookie, or addresses.
    public var allow: Set<String>
    /// Never told to use push, in no stage. Wins over ``allow``.
    public var deny: Set<String>

    public init(
        _ identity: Identity = .user(claim: "sub", cookie: nil), allow: Set<String> = [], deny: Set<String> = []
    ) {
        self.identity = identity
        self.allow = allow
        self.deny = deny
    }
}

/// A client as its cohort sees it.
public struct CohortMember: Hashable, Sendable {
    /// What the bucket is made from: the kind of the name and the name, so that no two kinds are taken for each other.
    public let key: String
    /// What lists name; `nil` when the client has nothing of what the rule asks for.
    public let name: String?

    public init(key: String, name: String?) {
        self.key = key
        self.name = name
    }
}
