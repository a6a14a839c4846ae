import DoorbellCore
import DoorbellServer
import NIOCore
import NIOHTTP1

/// What is noted about one poll while it passes. Pure.
struct PollWatch {
    let request: PolledRequest
    /// Where the log stood before the legacy API was asked.
    let position: Position?
    let guidance: PollGuidance
    let startedAt: NIODeadline
    private var parity: ParityCapture?
    private var bytesDown = 0
    private var status = HTTPResponseStatus.ok
    private var digest = Hasher()
    private var length = 0

    init(
        poll: FeatureCatalog.Poll, head: HTTPRequestHead, position: Position?, guidance: PollGuidance,
        caller: PollCaller?, parity: ParityCapture?
    ) {
        self.request = PolledRequest(poll, head, guidance: guidance, caller: caller)
        self.position = position
        self.guidance = guidance
        self.parity = parity
        self.startedAt = .now()
    }

    /// Adds what the client is told to the answer's headers.
    mutating func began(_ head: inout HTTPResponseHead) {
        PollHeaders.decorate(
            &head.headers, feature: request.poll.feature, position: position, guidance: guidance,
            milliseconds: Double((NIODeadline.now() - startedAt).nanoseconds) / 1e6)
        status = head.status
        parity?.began(head)
        bytesDown += ProxyHeaders.size(of: head.headers, startLine: 13 + head.status.reasonPhrase.utf8.count)
    }

    mutating func passed(_ part: ByteBuffer) {
        part.withUnsafeReadableBytes { digest.combine(bytes: $0) }
        length += part.readableBytes
        parity?.passed(part)
        bytesDown += part.readableBytes
    }

    func ended(_ observer: PollObserver) {
        observer.answered(
            request,
            PolledAnswer(
                status: status, digest: Self.digest(digest, length: length, status: status), bytesDown: bytesDown,
                length: length, position: position))
        compare(observer)
    }

    /// Only what is compared with messages: the poll itself has been counted.
    func compare(_ observer: PollObserver) {
        guard let parity else { return }
        observer.parity?.ended(
            parity, status: status, digest: Self.digest(digest, length: length, status: status))
    }

    /// What ``ended(_:)`` would tell of this body.
    static func digest(of body: ByteBuffer, status: HTTPResponseStatus) -> UInt64 {
        var digest = Hasher()
        body.withUnsafeReadableBytes { digest.combine(bytes: $0) }
        return Self.digest(digest, length: body.readableBytes, status: status)
    }

    private static func digest(_ body: Hasher, length: Int, status: HTTPResponseStatus) -> UInt64 {
        var digest = body
        digest.combine(length)
        digest.combine(status.code)
        return UInt64(bitPattern: Int64(digest.finalize()))
    }
}
