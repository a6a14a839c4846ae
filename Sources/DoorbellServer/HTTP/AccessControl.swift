import DoorbellAuth
import NIOHTTP1

/// Which pages may use what the server answers itself, and what they need to read it (Fetch, section 3.2).
enum AccessControl {
    /// - Returns: The headers of an answer; the refusal of a page that may not.
    static func headers(
        for request: HTTPHeaders, isTLS: Bool, _ configuration: ServerConfiguration
    ) -> Result<HTTPHeaders, OriginRefused> {
        if case .refused(let refusal) = configuration.origins.decide(request, isTLS: isTLS) {
            return .failure(OriginRefused(reason: refusal))
        }
        guard configuration.origins.isList, let origin = request.first(name: "origin") else { return .success([:]) }
        return .success([
            "access-control-allow-origin": origin, "access-control-allow-credentials": "true", "vary": "Origin",
        ])
    }

    struct OriginRefused: Error {
        let reason: OriginPolicy.Refusal

        var answer: LocalAnswer { .problem(.forbidden, reason.description) }
    }

    /// The answer to what a browser asks before a request with headers of its own. Whatever headers a listed page wants to send, it may.
    static func preflight(
        _ head: HTTPRequestHead, isTLS: Bool, methods: String, _ configuration: ServerConfiguration
    ) -> LocalAnswer {
        switch headers(for: head.headers, isTLS: isTLS, configuration) {
        case .failure(let refused): return refused.answer
        case .success(var headers):
            headers.add(name: "allow", value: methods)
            guard !headers["access-control-allow-origin"].isEmpty else {
                return LocalAnswer(.noContent, headers: headers)
            }
            headers.add(name: "access-control-allow-methods", value: methods)
            if let wanted = head.headers.first(name: "access-control-request-headers") {
                headers.add(name: "access-control-allow-headers", value: wanted)
            }
            headers.add(name: "access-control-max-age", value: "600")
            headers.replaceOrAdd(name: "vary", value: "Origin, Access-Control-Request-Headers")
            return LocalAnswer(.noContent, headers: headers)
        }
    }
}
