import NIOHTTP1

/// What is wrong with a request head that the parser let through. Pure.
///
/// NIO's parser (llhttp, strict) has already refused: `Content-Length` together with `Transfer-Encoding`, two
/// `Content-Length`s, lengths that are not numbers, broken chunk sizes, spaces before a colon, folded lines and bare CR. Here
/// is what two servers behind each other could still read differently.
enum RequestCheck {
    /// What is wrong with a request as it came, and in origin form.
    ///
    /// - Returns: The request in origin form, or a sentence; then the answer is 400 and the connection closes.
    static func checked(_ given: HTTPRequestHead) -> Result<HTTPRequestHead, Refusal> {
        guard let head = normalised(given) else {
            return .failure(Refusal(reason: "the request target must begin with '/'"))
        }
        // The Host header counts also where the target has replaced it.
        let problem = problem(of: given) ?? (head.uri == given.uri ? nil : problem(of: head))
        return problem.map { .failure(Refusal(reason: $0)) } ?? .success(head)
    }

    struct Refusal: Error { let reason: String }

    /// `nil`: nothing is wrong.
    static func problem(of head: HTTPRequestHead) -> String? {
        guard head.uri.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }) else {
            return "the request target must be printable ASCII without a fragment"
        }
        // HTTP/1.1's parser knows a list of methods; HTTP/2 takes any.
        if case .RAW(let method) = head.method, method.isEmpty || !method.utf8.allSatisfy(isTokenByte) {
            return "the method is not a token"
        }
        let hosts = head.headers[canonicalForm: "host"]
        if head.headers["host"].count > 1 { return "there is more than one Host header" }
        if head.version.minor >= 1, hosts.isEmpty { return "an HTTP/1.1 request must have a Host header" }
        if let host = hosts.first, !host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F && $0 != 0x40 }) {
            return "the Host header is not a host"
        }
        let lengths = head.headers["content-length"]
        let codings = head.headers["transfer-encoding"]
        if lengths.count > 1 { return "there is more than one Content-Length header" }
        if let length = lengths.first, length.isEmpty || !length.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
            return "Content-Length is not a number"
        }
        if let length = lengths.first, Int64(length) == nil { return "Content-Length is too large a number" }
        if !codings.isEmpty {
            guard lengths.isEmpty else { return "Content-Length and Transfer-Encoding may not stand together" }
            guard head.version.minor >= 1 else { return "HTTP/1.0 has no Transfer-Encoding" }
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                return "the only transfer coding that is understood is 'chunked', once"
            }
        }
        for (name, value) in head.headers {
            guard !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
                return "the value of '\(name.prefix(40))' has control characters"
            }
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else { return "a header name is not a token" }
        }
        return nil
    }

    /// The target in origin form (RFC 9112, section 3.2): `http://host/path` becomes `/path` with that host.
    ///
    /// - Returns: `nil` when the target is in no form that a proxy of an origin server takes.
    static func normalised(_ head: HTTPRequestHead) -> HTTPRequestHead? {
        if head.uri.hasPrefix("/") || (head.uri == "*" && head.method == .OPTIONS) { return head }
        let lower = head.uri.prefix(8).lowercased()
        let skipped = lower.hasPrefix("https://") ? 8 : lower.hasPrefix("http://") ? 7 : 0
        guard skipped > 0 else { return nil }
        let rest = head.uri.dropFirst(skipped)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        var head = head
        let path = rest[end...]
        head.uri = path.hasPrefix("/") ? String(path) : "/" + path
        head.headers.replaceOrAdd(name: "host", value: String(authority))
        return head
    }

    /// RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }
}
