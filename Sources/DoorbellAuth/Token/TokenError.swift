/// Why a token was refused.
///
/// Equality is equality of codes. Neither the code nor the reason holds anything that came from the token, so both may be
/// logged and sent to the client.
public struct TokenError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A closed set; ``rawValue`` is a metric label.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// Longer than ``TokenConfiguration/maximumTokenSize``.
        case tooLong = "too_long"
        /// Not a signed JSON Web Token in compact form.
        case malformed
        /// Signed with an algorithm that the configuration does not allow; `none` is one.
        case algorithm
        /// No key that was loaded fits the token.
        case unknownKey = "unknown_key"
        /// The signature is not by the key.
        case signature
        case expired
        /// `nbf` or `iat` lies in the future.
        case notYetValid = "not_yet_valid"
        case issuer
        case audience
        /// A claim that is needed is missing or has the wrong form.
        case claim
        /// No keys have been loaded yet, or too many tokens wait for them: our trouble, to be answered with 503.
        case keysUnavailable = "keys_unavailable"
    }

    public let code: Code
    /// A sentence for the client and the log.
    public let reason: String

    init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// Whether the same token could be accepted a little later.
    public var isTemporary: Bool { code == .keysUnavailable || code == .notYetValid }

    public var description: String { reason }

    public static func == (a: TokenError, b: TokenError) -> Bool { a.code == b.code }
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
