import NIOHTTP1

/// What the server answers itself, under `/_doorbell/`. Everything else belongs to the legacy API.
enum OwnRoutes {
    enum Route {
        /// The WebSocket endpoint.
        case webSocket
        /// The endpoint for server-sent events.
        case events
        case answer(LocalAnswer)
    }

    /// `nil`: not ours.
    static func route(_ head: HTTPRequestHead, core: ServerCore) -> Route? {
        let path = head.uri.prefix { $0 != "?" }
        guard path == "/_doorbell" || path.hasPrefix("/_doorbell/") else { return nil }
        let known: Bool
        switch path {
        case "/_doorbell/ws", "/_doorbell/sse", "/_doorbell/health/live", "/_doorbell/health/ready": known = true
        default: known = false
        }
        guard known else { return .answer(.problem(.notFound, "Doorbell has nothing at this path")) }
        guard head.method == .GET || (head.method == .HEAD && path.hasPrefix("/_doorbell/health/")) else {
            return .answer(.problem(.methodNotAllowed, "only GET is understood here", headers: ["allow": "GET"]))
        }
        switch path {
        case "/_doorbell/ws": return .webSocket
        case "/_doorbell/sse": return .events
        case "/_doorbell/health/live": return .answer(.health("live", reasons: []))
        default:
            return .answer(.health("ready", reasons: [core.refusal, core.gateway.trouble].compactMap { $0 }))
        }
    }
}
