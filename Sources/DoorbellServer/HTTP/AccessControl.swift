import DoorbellCore
import NIOHTTP1

/// Which pages may use what the server answers itself.
enum AccessControl {
    /// The `Origin` rule of ``ServerConfiguration/allowedOrigins``.
    ///
    /// - Returns: What a page of another origin needs to read the answer (Fetch, section 3.2); `nil`: it may not.
    static func headers(for request: HTTPHeaders, _ configuration: ServerConfiguration) -> HTTPHeaders? {
        let origins = request["origin"]
        guard let origin = origins.first else { return [:] }
        guard WebSocketUpgrade.isAllowed(request, allowed: configuration.allowedOrigins) else { return nil }
        guard !configuration.allowedOrigins.isEmpty else { return [:] }
        return [
            "access-control-allow-origin": origin, "access-control-allow-credentials": "true", "vary": "Origin",
        ]
    }
}
