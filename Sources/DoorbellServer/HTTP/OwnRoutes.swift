import NIOHTTP1

/// What the server answers itself, under `/_doorbell/`. Everything else belongs to the legacy API.
enum OwnRoutes {
    enum Route {
        /// The WebSocket endpoint.
        case webSocket
        /// The endpoint for server-sent events.
        case events
        case ticket
        case answer(LocalAnswer)
    }

    /// `nil`: not ours.
    static func route(_ head: HTTPRequestHead, isTLS: Bool, core: ServerCore) -> Route? {
        let path = head.uri.prefix { $0 != "?" }
        guard path == "/_doorbell" || path.hasPrefix("/_doorbell/") else { return nil }
        guard let methods = methods(of: path) else {
            return .answer(.problem(.notFound, "Doorbell has nothing at this path"))
        }
        let allowed = methods.map(\.rawValue).joined(separator: ", ")
        guard methods.contains(head.method) else {
            return .answer(
                .problem(.methodNotAllowed, "only \(allowed) is understood here", headers: ["allow": allowed]))
        }
        if head.method == .OPTIONS {
            return .answer(AccessControl.preflight(head, isTLS: isTLS, methods: allowed, core.configuration))
        }
        switch path {
        case "/_doorbell/ws": return .webSocket
        case "/_doorbell/sse": return .events
        case "/_doorbell/ticket": return .ticket
        case "/_doorbell/health/live": return .answer(.health("live", reasons: []))
        case "/_doorbell/health/ready":
            return .answer(.health("ready", reasons: [core.refusal, core.gateway.trouble].compactMap { $0 }))
        default:
            // What is in `methods` and none of these.
            guard let file = ClientFile.all[String(path)] else {
                return .answer(.problem(.notFound, "Doorbell has nothing at this path"))
            }
            return .answer(file.answer(to: head))
        }
    }

    /// `nil`: there is nothing at `path`.
    private static func methods(of path: Substring) -> [HTTPMethod]? {
        switch path {
        case "/_doorbell/ws": [.GET]
        case "/_doorbell/sse": [.GET, .OPTIONS]
        case "/_doorbell/ticket": [.POST, .OPTIONS]
        case "/_doorbell/health/live", "/_doorbell/health/ready": [.GET, .HEAD]
        default: ClientFile.all[String(path)] == nil ? nil : [.GET, .HEAD]
        }
    }
}
