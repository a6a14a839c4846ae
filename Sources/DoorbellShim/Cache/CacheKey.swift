import DoorbellCore
import DoorbellServer
import NIOHTTP1

/// Which requests get the same answer from memory: a hash, so that no credentials are kept.
///
/// Two times 64 bits of SipHash with a seed of this process: nobody can make two requests collide on purpose, and by chance it does not
/// happen. Everything is hashed by its bytes, because Swift calls two Unicode spellings of one text equal.
struct CacheKey: Hashable, Sendable {
    private let first: UInt64
    private let second: UInt64

    /// - Parameter write: Feeds the parts that are told apart into the hasher.
    private init(_ write: (inout Hasher) -> Void) {
        var hasher = Hasher()
        write(&hasher)
        var again = hasher
        hasher.combine(1 as UInt8)
        again.combine(2 as UInt8)
        first = UInt64(bitPattern: Int64(hasher.finalize()))
        second = UInt64(bitPattern: Int64(again.finalize()))
    }

    /// - Parameters:
    ///   - ignored: Names of query parameters that mean nothing.
    ///   - varying: What answers are said to depend on besides, in lower case.
    init(
        _ head: HTTPRequestHead, from origin: RequestOrigin, identity: Feature.Caching.Identity,
        ignoring ignored: Set<String> = [], varying: [String]
    ) {
        self.init { hasher in
            hasher.write(ignored.isEmpty ? head.uri : Self.target(head.uri, without: ignored))
            hasher.combine(origin.isTLS)
            switch identity {
            case .credentials:
                // An API may know its callers by any header and by their address, so whatever is not known to be harmless counts.
                hasher.write(origin.address ?? "")
                for (name, value) in head.headers where !IgnoredHeaders.contains(name) {
                    hasher.write(name)
                    hasher.write(value)
                }
            case .public:
                hasher.write(Self.negotiated, of: head.headers)
                for (name, value) in head.headers {
                    guard let place = PlaceHeaders.place(name, value) else { continue }
                    hasher.write(place.name)
                    hasher.write(place.value)
                }
            }
            hasher.write(varying, of: head.headers)
        }
    }

    /// Who writes: what is sent with every request of a client, whatever its method.
    init(writer headers: HTTPHeaders) {
        self.init { hasher in hasher.write(["authorization", "cookie"], of: headers) }
    }

    /// Whether an answer that depends on the header `name` (lower case) is told apart by every key.
    static func covers(_ name: String, identity: Feature.Caching.Identity) -> Bool {
        switch identity {
        case .credentials: !IgnoredHeaders.contains(name)
        case .public: negotiated.contains(name) || PlaceHeaders.isWhole(name)
        }
    }

    /// Path and query without some parameters, whose names are compared as they are written.
    static func target(_ target: String, without ignored: Set<String>) -> String {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return target }
        let kept = target[target.utf8.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
            .filter { !ignored.contains(String($0.prefix { $0 != "=" })) }
        return kept.isEmpty ? String(target[..<mark]) : String(target[...mark]) + kept.joined(separator: "&")
    }

    /// What an API may answer differently to, often without saying so.
    private static let negotiated = [
        "host", "accept", "accept-encoding", "accept-language", "accept-version", "api-version", "origin", "prefer",
        "x-api-version", "x-requested-with",
    ]
}

extension Hasher {
    fileprivate mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            combine(bytes.count)
            combine(bytes: UnsafeRawBufferPointer(bytes))
        }
    }

    fileprivate mutating func write(_ names: [String], of headers: HTTPHeaders) {
        for name in names {
            let values = headers[name]
            combine(values.count)
            for value in values { write(value) }
        }
    }
}

/// What a request says that neither tells who is asking nor what for, and that is another each time.
enum IgnoredHeaders {
    private static let names: Set<String> = [
        "baggage", "b3", "cache-control", "connection", "content-length", "if-modified-since", "if-none-match",
        "keep-alive", "pragma", "priority", "referer", "request-id", "te", "traceparent", "tracestate",
        "x-amzn-trace-id", "x-b3-flags", "x-b3-parentspanid", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid",
        "x-cloud-trace-context", "x-correlation-id", "x-request-id",
    ]
    /// By first letter and length, so that most names are told apart without making them lower case.
    private static let shapes: Set<Int> = Set(names.compactMap { shape($0) })

    static func contains(_ name: String) -> Bool {
        guard let shape = shape(name), shapes.contains(shape) else { return false }
        return names.contains(name.lowercased())
    }

    private static func shape(_ name: String) -> Int? {
        name.utf8.first.map { Int($0 | 0x20) << 16 | name.utf8.count }
    }
}
