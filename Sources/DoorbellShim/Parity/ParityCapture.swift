import DoorbellCore
import DoorbellRollout
import DoorbellServer
import NIOCore
import NIOHTTP1

/// What parity keeps of one poll while it passes. Pure.
struct ParityCapture {
    /// Bytes of a body that are kept. Default 256 KiB; of a longer one only its hash counts.
    static let limit = 256 << 10

    let feature: Feature
    let caller: UInt64
    let target: String
    let channels: [ChannelName]
    let asked: Position
    let run: UInt64
    /// `nil` once the answer has begun: a list of tags may be long.
    private var known: Known?
    /// Of the body; of a 304, the one that the caller has.
    private(set) var version = BodyVersion.unknown
    private(set) var encoding: String?
    private(set) var body: [UInt8] = []
    private(set) var isWhole = true

    init(
        feature: Feature, caller: UInt64, target: String, channels: [ChannelName], asked: Position, run: UInt64,
        known: Known
    ) {
        self.feature = feature
        self.caller = caller
        self.target = target
        self.channels = channels
        self.asked = asked
        self.run = run
        self.known = known
    }

    mutating func began(_ head: HTTPResponseHead) {
        version = known?.version(of: head) ?? .unknown
        known = nil
        encoding = head.headers.first(name: "content-encoding")?.lowercased()
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }) {
            if length > Self.limit { isWhole = false } else { body.reserveCapacity(length) }
        }
    }

    mutating func passed(_ part: ByteBuffer) {
        guard isWhole else { return }
        guard body.count + part.readableBytes <= Self.limit else {
            isWhole = false
            body = []
            return
        }
        body.append(contentsOf: part.readableBytesView)
    }

    // MARK: Which body

    /// What the caller says that it has.
    struct Known {
        /// Without their `W/`; `["*"]`: whatever there is.
        private let tags: [String]
        private let modified: String?

        init(_ headers: HTTPHeaders) {
            tags = headers[canonicalForm: "if-none-match"].map { EntityTag.opaque(String($0)) }
            // With tags the date does not count (RFC 9110, section 13.1.3).
            modified = tags.isEmpty ? headers.first(name: "if-modified-since") : nil
        }

        /// Which body `answer` has. A 304 is for one of those that the caller has: where it does not say which, the only one.
        func version(of answer: HTTPResponseHead) -> BodyVersion {
            let own = answer.headers.first(name: "etag").map(EntityTag.opaque)
            guard answer.status == .notModified else {
                return BodyVersion(tag: own, modified: answer.headers.first(name: "last-modified"))
            }
            guard let own else { return BodyVersion(tag: tags.count == 1 ? tags.first : nil, modified: modified) }
            return tags.isEmpty || tags == ["*"] || tags.contains(own)
                ? BodyVersion(tag: own, modified: modified) : .unknown
        }
    }

    // MARK: Who asks for what

    /// Headers that differ from request to request of one caller, and that no answer depends on.
    private static let volatile: Set<String> = [
        "if-none-match", "if-modified-since", "x-request-id", "x-correlation-id", "x-amzn-trace-id", "traceparent",
        "tracestate", "baggage", "cf-ray", "cache-control", "pragma", "connection", "content-length", "date",
        "priority",
    ]

    /// Two answers with one key may be compared: the same URL, and the same of everything that a legacy API may look at. A caller whose
    /// headers never stay the same is never compared.
    static func key(_ head: HTTPRequestHead) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(head.uri)
        for (name, value) in head.headers {
            let name = name.lowercased()
            guard !volatile.contains(name), !name.hasPrefix("x-b3-") else { continue }
            hasher.combine(name)
            hasher.combine(value)
        }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// What stands behind these names in a query is nobody's business.
    private static let secrets = ["token", "key", "secret", "pass", "auth", "sig", "ticket", "session", "code", "jwt"]

    /// Path and query, with the values that may be secrets left out.
    static func redacted(_ target: String) -> String {
        guard let mark = target.firstIndex(of: "?") else { return target }
        let pairs = target[target.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
        return target[...mark]
            + pairs.map { pair in
                let name = pair.prefix { $0 != "=" }
                let lowered = name.lowercased()
                return secrets.contains { lowered.contains($0) } ? name + "=…" : pair
            }.joined(separator: "&")
    }
}
