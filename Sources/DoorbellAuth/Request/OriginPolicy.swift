public import NIOHTTP1

/// Which pages may connect: the rule for `Origin`. Pure.
///
/// Only browsers send `Origin`, and they send the truth; a request without it does not come from a page and is not held to this.
/// The list is the only guard against pages of others using a visitor's cookies, so anything that is not understood is refused.
public struct OriginPolicy: Sendable {
    public enum Decision: Hashable, Sendable {
        case allowed
        case refused(Refusal)
    }

    public enum Refusal: String, Hashable, Sendable, CustomStringConvertible {
        /// More than one `Origin`, or one that no browser writes.
        case malformed = "the Origin header is not an origin"
        case notListed = "pages of this origin may not connect here"
        /// No list is configured, and the page is not of the host that it asked for.
        case notSame = "pages of other origins may not connect here"

        public var description: String { rawValue }
    }

    public struct SyntaxError: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    private let exact: Set<WebOrigin>
    private let wildcards: [Wildcard]
    private let allowsNull: Bool
    /// Whether pages of other origins may come at all.
    public let isList: Bool
    private let trustsForwardedProto: Bool

    /// `https://*.example.com`: every host that ends in the suffix, with one or more labels before it.
    private struct Wildcard: Hashable, Sendable {
        /// With any single label in the place of the star.
        let pattern: WebOrigin
        /// `.example.com`
        let suffix: String

        func matches(_ origin: WebOrigin) -> Bool {
            origin.scheme == pattern.scheme && origin.port == pattern.port
                && origin.host.utf8.count > suffix.utf8.count && origin.host.hasSuffix(suffix)
        }
    }

    /// No list: only pages of the host that they ask for.
    public static let sameHost = OriginPolicy()

    private init() {
        (exact, wildcards, allowsNull, isList, trustsForwardedProto) = ([], [], false, false, false)
    }

    /// - Throws: ``SyntaxError`` with a sentence for the first entry that is wrong.
    public init(_ configuration: OriginConfiguration) throws(SyntaxError) {
        var exact: Set<WebOrigin> = []
        var wildcards: [Wildcard] = []
        var allowsNull = false
        for text in configuration.allowed {
            if text.lowercased() == "null" {
                allowsNull = true
            } else if text.contains("*") {
                wildcards.append(try Self.wildcard(text))
            } else if let origin = WebOrigin(text) {
                exact.insert(origin)
            } else {
                throw SyntaxError(description: Self.complaint(text))
            }
        }
        self.exact = exact
        self.wildcards = wildcards
        self.allowsNull = allowsNull
        isList = !configuration.allowed.isEmpty
        trustsForwardedProto = configuration.trustsForwardedProto
    }

    /// - Parameter isTLS: Whether the request came to us over TLS.
    public func decide(_ headers: HTTPHeaders, isTLS: Bool) -> Decision {
        let values = headers["origin"]
        guard let value = values.first else { return .allowed }
        guard values.count == 1 else { return .refused(.malformed) }
        // Sandboxed frames, files and redirects across origins: it could be anybody.
        if value == "null" { return allowsNull ? .allowed : .refused(isList ? .notListed : .notSame) }
        guard let origin = WebOrigin(value) else { return .refused(.malformed) }
        if isList {
            let isListed = exact.contains(origin) || wildcards.contains { $0.matches(origin) }
            return isListed ? .allowed : .refused(.notListed)
        }
        return isSame(origin, headers, isTLS: isTLS) ? .allowed : .refused(.notSame)
    }

    /// The scheme is compared where it is known: over TLS, and where a proxy in front is trusted to tell it. Otherwise a proxy may
    /// have ended TLS, and both schemes will do.
    private func isSame(_ origin: WebOrigin, _ headers: HTTPHeaders, isTLS: Bool) -> Bool {
        let hosts = headers["host"]
        guard hosts.count == 1, let authority = WebOrigin.Authority(hosts[0]) else { return false }
        guard let defaultPort = WebOrigin.defaultPort(origin.scheme) else { return false }
        guard origin.host == authority.host, origin.port == authority.port ?? defaultPort else { return false }
        if trustsForwardedProto {
            let told = headers["x-forwarded-proto"]
            guard told.count <= 1 else { return false }
            return origin.scheme == told.first?.lowercased() ?? (isTLS ? "https" : "http")
        }
        return !isTLS || origin.scheme == "https"
    }

    private static func wildcard(_ text: String) throws(SyntaxError) -> Wildcard {
        let pieces = text.split(separator: "*", omittingEmptySubsequences: false)
        guard pieces.count == 2, pieces[0].hasSuffix("://"), pieces[1].hasPrefix("."),
            let pattern = WebOrigin("\(pieces[0])a\(pieces[1])")
        else {
            throw SyntaxError(
                description: "'\(text)' is not an origin: the only wildcard is 'https://*.example.com'")
        }
        let suffix = String(pattern.host.dropFirst())
        // Nobody owns every name of a top level domain.
        guard suffix.dropFirst().contains(".") || suffix == ".localhost" else {
            throw SyntaxError(description: "'\(text)' is too wide: name a domain, such as 'https://*.example.com'")
        }
        return Wildcard(pattern: pattern, suffix: suffix)
    }

    private static func complaint(_ text: String) -> String {
        if !text.utf8.allSatisfy({ $0 < 0x80 }) {
            return "'\(text)' is not an origin: write the host as browsers send it, in punycode ('xn--…')"
        }
        if text.hasSuffix("/") { return "'\(text)' is not an origin: leave the '/' at the end out" }
        return "'\(text)' is not an origin such as 'https://app.example', 'https://*.example.com' or 'null'"
    }
}

/// Which pages may connect.
public struct OriginConfiguration: Sendable {
    /// Origins (`https://app.example`), wildcards (`https://*.example.com`: one or more labels) and `null`. Empty: only pages of
    /// the host that they ask for. Default empty.
    public var allowed: [String] = []
    /// Whether `X-Forwarded-Proto` is the scheme that the client used. Only behind a proxy that sets it itself. Default `false`: the
    /// scheme is compared over TLS only.
    public var trustsForwardedProto = false

    public init() {}
}
