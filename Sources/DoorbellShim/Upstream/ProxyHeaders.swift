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

    /// No peer may make us drop what says whom a message is for, how long it is, or who asks, by naming it in `Connection`.
    private static let guarded: Set<String> = [
        "host", "content-length", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip",
    ]

    /// `content_length` and the like, which is the same variable as `content-length` behind CGI, WSGI and their kin.
    private static func isDisguised(_ name: String) -> Bool {
        guard name.utf8.contains(UInt8(ascii: "_")) else { return false }
        let plain = String(name.map { $0 == "_" ? "-" : $0 })
        return guarded.contains(plain) || hopByHop.contains(plain)
    }

    static func withoutHopByHop(_ headers: HTTPHeaders) -> HTTPHeaders {
        var named: Set<String> = []
        for token in headers[canonicalForm: "connection"] { named.insert(token.lowercased()) }
        named.subtract(guarded)
        var kept = HTTPHeaders()
        kept.reserveCapacity(headers.count + 6)
        for (name, value) in headers {
            let lower = name.lowercased()
            if hopByHop.contains(lower) || named.contains(lower) || isDisguised(lower) { continue }
            kept.add(name: name, value: value)
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

    /// Whether an answer's transfer coding is one that was taken off on the way: none, or `chunked` once.
    static func isDecoded(_ headers: HTTPHeaders) -> Bool {
        let codings = headers["transfer-encoding"]
        return codings.isEmpty || codings.count == 1 && codings[0].lowercased() == "chunked"
    }

    /// What a client is sent.
    static func answer(_ headers: HTTPHeaders) -> HTTPHeaders { withoutHopByHop(headers) }

    /// About how many bytes a head takes on the wire.
    static func size(of headers: HTTPHeaders, startLine: Int) -> Int { headers.size(startLine: startLine) }

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
