import DoorbellWire
import NIOHTTP1

/// What a `request` over the socket may be, and what of its answer is told. Pure.
///
/// The call is made with the headers of the handshake, in the client's name, and may add those of ``CallHeaders``.
enum CallCheck {
    /// A sentence; `nil`: the call may be made.
    static func problem(of request: ClientMessage.Request, allowing more: Set<String>) -> String? {
        switch request.method.uppercased() {
        case "CONNECT", "TRACE": return "'\(request.method)' is not passed on"
        case "GET", "HEAD":
            if request.body != .none { return "a \(request.method) has no body" }
        default: break
        }
        let path = request.path.prefix { $0 != "?" }
        if path == "/_doorbell" || path.hasPrefix("/_doorbell/") {
            return "'\(path.prefix(40))' is not the legacy API's"
        }
        let refused = request.headers.first { !CallHeaders.settable.contains($0.name) && !more.contains($0.name) }
        return refused.map { "'headers' may not have '\($0.name.prefix(40))'" }
    }

    /// The head of the call.
    ///
    /// - Parameter handshake: What the client's own requests carry, as far as it concerns the legacy API.
    static func head(of request: ClientMessage.Request, body: [UInt8]?, handshake: HTTPHeaders) -> HTTPRequestHead {
        var headers = handshake
        for header in request.headers { headers.replaceOrAdd(name: header.name, value: header.value) }
        if let body {
            headers.replaceOrAdd(name: "content-length", value: String(body.count))
            if !request.headers.contains(where: { $0.name == "content-type" }) {
                let type = if case .json = request.body { "application/json" } else { "text/plain; charset=utf-8" }
                headers.replaceOrAdd(name: "content-type", value: type)
            }
        }
        return HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.path, headers: headers)
    }

    /// What goes into the body of the call; `nil`: nothing.
    static func body(of request: ClientMessage.Request) -> [UInt8]? {
        switch request.body {
        case .none: nil
        case .json(let bytes): bytes
        case .text(let text): text.isEmpty ? nil : Array(text.utf8)
        }
    }

    /// The headers of an answer that a client is told. Cookies are not: pages could read those that are kept from scripts (`HttpOnly`).
    static func told(_ headers: HTTPHeaders) -> [HeaderField] {
        headers.compactMap { name, value in
            let field = HeaderField(name, value)
            switch field.name {
            case "set-cookie", "set-cookie2", "content-length": return nil
            default: return field
            }
        }
    }
}
