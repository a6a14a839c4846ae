import DoorbellCore
import DoorbellServer
import NIOCore
import NIOHTTP1

/// A whole 200 of the legacy API, with what it takes to give it again. Immutable, shared by everybody it is given to.
final class KeptAnswer: Sendable {
    /// Bytes that an entry takes besides its text, about.
    private static let overhead = 512
    /// What a 304 does not repeat.
    private static let ofBody = [
        "content-length", "content-type", "content-encoding", "content-language", "last-modified",
    ]

    let headers: HTTPHeaders
    let notModified: HTTPHeaders
    let body: ByteBuffer
    /// `nil`: the answer was compressed and had none, so that the same content could come as other bytes.
    let tag: String?
    /// Where the log stood before the legacy API was asked.
    let position: Position
    /// Before the legacy API was asked.
    let askedAt: ContinuousClock.Instant
    /// As ``PollWatch`` makes it.
    let digest: UInt64
    /// Bytes of memory, about.
    let cost: Int

    /// - Parameter given: Without hop-by-hop headers and without ours.
    init(_ given: HTTPHeaders, body: ByteBuffer, position: Position, askedAt: ContinuousClock.Instant) {
        var headers = given
        headers.replaceOrAdd(name: "content-length", value: String(body.readableBytes))
        if let own = headers.first(name: "etag") {
            tag = own
        } else if headers.contains(name: "content-encoding") {
            tag = nil
        } else {
            let made = EntityTag.made(from: body)
            headers.add(name: "etag", value: made)
            tag = made
        }
        var notModified = headers
        for name in Self.ofBody { notModified.remove(name: name) }
        self.headers = headers
        self.notModified = notModified
        self.body = body
        self.position = position
        self.askedAt = askedAt
        self.digest = PollWatch.digest(of: body, status: .ok)
        self.cost = body.readableBytes + 2 * ProxyHeaders.size(of: headers, startLine: 0) + Self.overhead
    }

    /// Whether a client with these headers has it already.
    func isHeld(by headers: HTTPHeaders) -> Bool { tag.map { EntityTag.isNamed($0, by: headers) } ?? false }
}
