import DoorbellCore
import DoorbellServer
import NIOCore
import NIOHTTP1

/// What is noted about one poll while it passes. Pure.
struct PollWatch {
    let poll: FeatureCatalog.Poll
    let key: PollMemory.Key
    /// Where the log stood before the legacy API was asked.
    let position: Position?
    let usesPush: Bool
    let startedAt: NIODeadline
    let bytesUp: Int
    private var parity: ParityCapture?
    private var bytesDown = 0
    private var status = HTTPResponseStatus.ok
    private var digest = Hasher()
    private var length = 0

    init(poll: FeatureCatalog.Poll, head: HTTPRequestHead, position: Position?, usesPush: Bool, parity: ParityCapture?)
    {
        self.poll = poll
        self.key = PollObserver.key(head)
        self.position = position
        self.usesPush = usesPush
        self.parity = parity
        self.startedAt = .now()
        // "GET /path HTTP/1.1": the method, the target, and 11 more.
        self.bytesUp = ProxyHeaders.size(
            of: head.headers, startLine: head.method.rawValue.utf8.count + head.uri.utf8.count + 11)
    }

    /// Adds what the client is told to the answer's headers.
    mutating func began(_ head: inout HTTPResponseHead) {
        PollHeaders.decorate(
            &head.headers, feature: poll.feature, position: position, usesPush: usesPush,
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
        var digest = digest
        digest.combine(length)
        digest.combine(status.code)
        let value = UInt64(bitPattern: Int64(digest.finalize()))
        observer.answered(
            poll, key: key, status: status, digest: value, bytesUp: bytesUp, bytesDown: bytesDown, position: position)
        if let parity { observer.parity?.ended(parity, status: status, digest: value) }
    }
}
