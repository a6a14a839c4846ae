import DoorbellWire

/// Headers that a `request` over the socket may set.
///
/// What a proxy in front of the service puts into a request or takes out of it, it does to the handshake only: it does not see the calls.
/// So it is a short list, and nothing on it says who is asking.
public enum CallHeaders {
    static let settable: Set<String> = [
        "accept", "accept-language", "cache-control", "content-language", "content-type", "idempotency-key", "if-match",
        "if-modified-since", "if-none-match", "if-unmodified-since", "prefer", "traceparent", "tracestate",
        "x-correlation-id", "x-csrf-token", "x-csrftoken", "x-request-id", "x-requested-with", "x-xsrf-token",
    ]

    /// Why a configuration may not allow `name`, which is in lower case; `nil`: it may.
    public static func problem(with name: String) -> String? {
        guard !name.isEmpty, name.utf8.allSatisfy(ClientMessageDecoder.isTokenByte) else {
            return "is not a header's name"
        }
        return isReserved(name) ? "is about the connection or says who is asking, which a client cannot set" : nil
    }

    private static func isReserved(_ name: String) -> Bool {
        switch name {
        case "authorization", "connection", "content-length", "cookie", "date", "expect", "forwarded", "host",
            "http2-settings", "keep-alive", "origin", "referer", "te", "trailer", "transfer-encoding", "upgrade",
            "user-agent", "via", "x-real-ip":
            true
        default:
            ["doorbell-", "proxy-", "sec-", "x-forwarded-"].contains { name.hasPrefix($0) }
        }
    }
}
