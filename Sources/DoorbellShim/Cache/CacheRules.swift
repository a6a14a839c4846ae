import DoorbellCore
import NIOHTTP1

/// Which requests may be answered from memory, and which answers may be kept there. Pure.
enum CacheRules {
    /// Headers that answers of one feature may be said to vary by, besides those that are in every key.
    static let maximumVarying = 8

    enum Use {
        /// From memory when it can be.
        case any
        /// The legacy API is asked, and its answer is kept for others.
        case refresh
        /// The legacy API is asked, as if there were no cache.
        case none
    }

    static func use(of head: HTTPRequestHead, _ revalidate: Feature.Caching.Revalidation) -> Use {
        let headers = head.headers
        guard head.method == .GET || head.method == .HEAD else { return .none }
        for name in ["range", "if-range", "if-match", "if-unmodified-since", "expect", "upgrade"]
        where headers.contains(name: name) {
            return .none
        }
        // A header that is in the key, and that the legacy API is not shown.
        guard
            headers[canonicalForm: "connection"].allSatisfy({ ["keep-alive", "close", "te"].contains($0.lowercased()) })
        else { return .none }
        // With an entity tag the time does not count (RFC 9110, section 13.1.3), and without one we cannot tell.
        if headers.contains(name: "if-modified-since"), !headers.contains(name: "if-none-match") { return .none }
        let directives = headers[canonicalForm: "cache-control"]
        var wantsProof = directives.isEmpty && headers.contains(name: "pragma")
        for directive in directives {
            switch directive.lowercased() {
            case "no-store", "only-if-cached": return .none
            case "no-cache", "max-age=0": wantsProof = true
            default: break
            }
        }
        return wantsProof && revalidate == .origin ? .refresh : .any
    }

    enum Keeping: Equatable {
        case keep
        /// Not this one; the next one may be.
        case pass
        /// None like it.
        case passAll
        /// Not under this key: answers depend on these headers as well, in lower case.
        case vary([String])
    }

    /// - Parameters:
    ///   - known: What keys tell apart besides.
    ///   - maximumBody: Bytes.
    static func keeping(
        _ status: HTTPResponseStatus, _ headers: HTTPHeaders, identity: Feature.Caching.Identity, known: [String],
        maximumBody: Int
    ) -> Keeping {
        guard status == .ok else { return .pass }
        let length = headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        guard length <= maximumBody, !headers.contains(name: "set-cookie"), !headers.contains(name: "content-range"),
            headers.first(name: "content-type")?.lowercased().hasPrefix("text/event-stream") != true
        else { return .passAll }
        for directive in headers[canonicalForm: "cache-control"] {
            let name = directive.prefix { $0 != "=" }.lowercased()
            // What is kept for one caller is a private cache's.
            if name == "no-store" || (name == "private" && identity == .public) { return .passAll }
        }
        var varying: [String] = []
        for name in headers[canonicalForm: "vary"].map({ $0.lowercased() }) {
            if name == "*" { return .passAll }
            if !CacheKey.covers(name, identity: identity), !known.contains(name), !varying.contains(name) {
                varying.append(name)
            }
        }
        if varying.isEmpty { return .keep }
        // What no key tells apart on purpose is another each time.
        guard known.count + varying.count <= maximumVarying else { return .passAll }
        return .vary(varying)
    }
}
