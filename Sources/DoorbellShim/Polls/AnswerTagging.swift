import DoorbellServer
import NIOCore
import NIOHTTP1

/// Gives a poll's answer an entity tag where the legacy API gives none, so that any client can poll conditionally. Pure.
///
/// The tag stands in the head and is made from the body, so a short answer is held until it is whole; a longer one passes as it is.
struct AnswerTagging {
    /// Bytes of a body that are held at most. Default 256 KiB.
    static let limit = 256 << 10

    private let request: HTTPHeaders
    private var held: (head: HTTPResponseHead, body: ByteBuffer)?

    /// `nil`: not a request whose answer is tagged.
    init?(_ head: HTTPRequestHead) {
        guard head.method == .GET, !head.headers.contains(name: "range") else { return nil }
        request = head.headers
    }

    /// - Returns: Whether the head is held; the body's parts go to ``passed(_:)``.
    mutating func began(_ head: HTTPResponseHead) -> Bool {
        let headers = head.headers
        let length = headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        let isStream = headers.first(name: "content-type")?.lowercased().hasPrefix("text/event-stream") ?? false
        guard head.status == .ok, length <= Self.limit, !isStream, !headers.contains(name: "etag"),
            !headers.contains(name: "content-encoding"), !headers.contains(name: "set-cookie"),
            !headers[canonicalForm: "cache-control"].contains(where: { $0.lowercased() == "no-store" })
        else { return false }
        held = (head, ByteBuffer())
        return true
    }

    var isHolding: Bool { held != nil }

    /// - Returns: What is let go as it came, when the body is too long.
    mutating func passed(_ part: ByteBuffer) -> (head: HTTPResponseHead, body: ByteBuffer)? {
        guard var held else { return nil }
        // Otherwise the buffer is copied.
        self.held = nil
        held.body.writeImmutableBuffer(part)
        if held.body.readableBytes > Self.limit { return held }
        self.held = held
        return nil
    }

    /// The whole answer with its tag; a 304 without a body when the client has it.
    mutating func ended() -> (head: HTTPResponseHead, body: ByteBuffer)? {
        guard var held else { return nil }
        self.held = nil
        let tag = EntityTag.made(from: held.body)
        held.head.headers.add(name: "etag", value: tag)
        if EntityTag.isNamed(tag, by: request) {
            held.head.status = .notModified
            held.body.clear()
            for name in ["content-length", "content-type", "last-modified"] { held.head.headers.remove(name: name) }
        }
        return held
    }
}
