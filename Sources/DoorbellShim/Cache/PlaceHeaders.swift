/// What a request says of where it was sent, besides its own line and `Host`: for another host, port, scheme or path, or by another method.
///
/// An API may make the links of its answers from it, or answer something else altogether, so an answer that is shared is shared by those only who
/// say the same. Who sent the request (`X-Forwarded-For`, `for=`) does not count. Pure.
enum PlaceHeaders {
    private static let prefixes = ["x-forwarded-", "x-original-", "x-rewrite-", "x-envoy-original-"]
    private static let names: Set<String> = [
        "x-forwarded", "x-host", "x-http-host-override", "x-http-method", "x-http-method-override", "x-method-override",
        "x-proxy-host", "x-scheme", "x-script-name", "x-url-scheme", "front-end-https",
    ]
    /// Who sent the request, and through whom.
    private static let senders: Set<String> = [
        "x-forwarded-access-token", "x-forwarded-by", "x-forwarded-client-cert", "x-forwarded-email", "x-forwarded-for",
        "x-forwarded-groups", "x-forwarded-preferred-username", "x-forwarded-tls-client-cert",
        "x-forwarded-tls-client-cert-info", "x-forwarded-user", "x-original-forwarded-for",
    ]

    /// - Returns: `nil`: the header says nothing of this. The name in lower case.
    static func place(_ name: String, _ value: String) -> (name: String, value: String)? {
        guard let first = name.utf8.first, first | 0x20 == 0x78 || first | 0x20 == 0x66 else { return nil }
        let name = name.lowercased()
        // Behind CGI, WSGI and their kin both are the same variable; elsewhere they are not.
        let plain = String(name.map { $0 == "_" ? "-" : $0 })
        if plain == "forwarded" {
            let rest = withoutSenders(value)
            return rest.isEmpty ? nil : (name, rest)
        }
        return isWhole(plain) ? (name, value) : nil
    }

    /// Whether all of the header `name` (lower case) is of this.
    static func isWhole(_ name: String) -> Bool {
        if names.contains(name) { return true }
        return !senders.contains(name) && prefixes.contains { name.hasPrefix($0) }
    }

    /// A `Forwarded` (RFC 7239) without its `for` and `by`. One that some reader could take for more than a sender stays.
    private static func withoutSenders(_ value: String) -> String {
        value.split(separator: ",", omittingEmptySubsequences: false).map { element in
            element.split(separator: ";", omittingEmptySubsequences: false).filter { !isSender($0) }
                .joined(separator: ";")
        }.filter { !$0.isEmpty }.joined(separator: ",")
    }

    private static func isSender(_ pair: Substring) -> Bool {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, ["for", "by"].contains(parts[0].filter { $0 != " " && $0 != "\t" }.lowercased()) else {
            return false
        }
        var node = parts[1].filter { $0 != " " && $0 != "\t" }
        if node.count > 1, node.hasPrefix("\""), node.hasSuffix("\"") { node = String(node.dropFirst().dropLast()) }
        return node.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x3A, 0x5B, 0x5D, 0x5F: true
            default: false
            }
        }
    }
}
