import DoorbellAuth
import NIOHTTP1

/// Why a request is turned away before it becomes a stream. Holds nothing that the request brought.
enum AccessRefusal: Error, Equatable {
    /// What the request brings is not in order.
    case malformed(TokenSource.Refusal)
    /// A token is needed.
    case missing
    case token(TokenError)
    /// Never issued, used before, or expired.
    case ticket
    /// The token is good, and not for this.
    case forbidden(ChannelRights.Refusal)

    /// 400, 401, 403 or 503, as RFC 6750 wants it (section 3).
    var answer: LocalAnswer {
        switch self {
        case .malformed(let refusal):
            .problem(.badRequest, refusal.description, headers: Self.challenge("invalid_request"))
        case .missing: .problem(.unauthorized, "a token is needed", headers: Self.challenge(nil))
        case .token(let error) where error.code == .keysUnavailable:
            .problem(.serviceUnavailable, error.reason, headers: ["retry-after": "2"])
        case .token(let error): .problem(.unauthorized, error.reason, headers: Self.challenge("invalid_token"))
        case .ticket:
            .problem(
                .unauthorized, "the ticket is not good, or no longer: each is for one use within its time",
                headers: Self.challenge("invalid_token"))
        case .forbidden(let refusal):
            .problem(.forbidden, refusal.description, headers: Self.challenge("insufficient_scope"))
        }
    }

    private static func challenge(_ error: String?) -> HTTPHeaders {
        ["www-authenticate": "Bearer" + (error.map { " error=\"\($0)\"" } ?? " realm=\"doorbell\"")]
    }
}
