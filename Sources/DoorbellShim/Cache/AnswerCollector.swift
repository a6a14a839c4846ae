import DoorbellServer
import NIOCore
import NIOHTTP1

/// A whole answer, for a subscriber and not for a client. Lives on the loop of whoever asks.
final class AnswerCollector: LegacyAnswerWriter {
    private let promise: EventLoopPromise<PollAnswer>
    private let maximumBody: Int
    private let loop: any EventLoop
    private var head = HTTPResponseHead(version: .http1_1, status: .ok)
    /// `nil`: it is longer.
    private var body: ByteBuffer? = ByteBuffer()

    /// - Parameter maximumBody: Bytes.
    init(maximumBody: Int, loop: any EventLoop) {
        self.promise = loop.makePromise()
        self.maximumBody = maximumBody
        self.loop = loop
    }

    var answer: EventLoopFuture<PollAnswer> { promise.futureResult }

    func wantsBody() {}
    func head(_ head: HTTPResponseHead) { self.head = head }

    func body(_ part: ByteBuffer) -> EventLoopFuture<Void> {
        if let known = body, known.readableBytes + part.readableBytes > maximumBody {
            body = nil
        } else if body?.readableBytes == 0 {
            body = part
        } else {
            body?.writeImmutableBuffer(part)
        }
        return loop.makeSucceededVoidFuture()
    }

    func end() { promise.succeed(PollAnswer(status: head.status, headers: head.headers, body: body)) }
    func fail(_ failure: GatewayFailure) { promise.fail(failure) }
}

@available(*, unavailable)
extension AnswerCollector: Sendable {}
