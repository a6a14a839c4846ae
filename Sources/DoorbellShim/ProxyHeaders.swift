import DoorbellServer
import NIOHTTP1

/// What a proxy does to headers (RFC 9110, section 7.6.1). Pure.
///
/// `Via` is not added: it makes common servers stop compressing their answers, and nothing may change for anyone.
enum ProxyHeaders {
    /// Meant for the next hop only, besides those that `Connection` names.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "http2-settings",
    ]

    static func withoutHopByHop(_ headers: HTTPHeaders) -> HTTPHeaders {
        var named: Set<String> = []
        for token in headers[canonicalForm: "connection"] { named.insert(token.lowercased()) }
        // No peer may make us drop what says whom a message is for or how long it is.
        named.subtract(["host", "content-length"])
        var kept = HTTPHeaders()
        kept.reserveCapacity(headers.count + 6)
        for (name, value) in headers {
            let lower = name.lowercased()
            if !hopByHop.contains(lower), !named.contains(lower) { kept.add(name: name, value: value) }
        }
        return kept
    }

    /// What the legacy API is sent.
    static func request(_ headers: HTTPHeaders, from origin: RequestOrigin) -> HTTPHeaders {
        var result = withoutHopByHop(headers)
        result.remove(name: "expect")
        result.remove(name: "content-length")
        let address = origin.address ?? "unknown"
        append(address, to: "x-forwarded-for", of: &result)
        // A proxy in front of us knows better what the client used.
        let scheme = origin.isTLS ? "https" : "http"
        if !result.contains(name: "x-forwarded-proto") { result.add(name: "x-forwarded-proto", value: scheme) }
        let host = headers.first(name: "host")
        if let host, !result.contains(name: "x-forwarded-host") { result.add(name: "x-forwarded-host", value: host) }
        var element = "for=" + (address.contains(":") ? "\"[\(address)]\"" : address)
        if let host { element += ";host=" + (isToken(host) ? host : "\"\(host)\"") }
        append(element + ";proto=" + scheme, to: "forwarded", of: &result)
        return result
    }

    /// What a client is sent.
    static func answer(_ headers: HTTPHeaders) -> HTTPHeaders { withoutHopByHop(headers) }

    /// About how many bytes a head takes on the wire.
    static func size(of headers: HTTPHeaders, startLine: Int) -> Int {
        headers.reduce(startLine + 4) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    }

    private static func append(_ value: String, to name: String, of headers: inout HTTPHeaders) {
        let list = headers[name] + [value]
        headers.replaceOrAdd(name: name, value: list.joined(separator: ", "))
    }

    private static func isToken(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
    }
}
