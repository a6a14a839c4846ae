import DoorbellServer
import NIOCore
import NIOHTTP1

/// The legacy API's answer to a poll that others may get as well: held until it is whole. One that may not be kept, or is too long, goes to
/// the client that asked, as it comes. Lives on the connection's loop.
///
/// While it is held nobody's reading speed counts, so a slow client does not hold up those that wait for the same answer.
final class CollectedAnswer: LegacyAnswerWriter {
    private let poll: CachedPoll
    private let client: any LegacyAnswerWriter
    private let maximumBody: Int
    private let loop: any EventLoop
    private var held: (head: HTTPResponseHead, body: ByteBuffer)?

    /// - Parameter maximumBody: Bytes.
    init(for poll: CachedPoll, passingTo client: any LegacyAnswerWriter, maximumBody: Int, loop: any EventLoop) {
        self.poll = poll
        self.client = client
        self.maximumBody = maximumBody
        self.loop = loop
    }

    func wantsBody() {}

    func head(_ head: HTTPResponseHead) {
        if poll.mayKeep(head) { held = (head, ByteBuffer()) } else { client.head(head) }
    }

    func body(_ part: ByteBuffer) -> EventLoopFuture<Void> {
        guard var held else { return client.body(part) }
        // Otherwise the buffer is copied.
        self.held = nil
        held.body.writeImmutableBuffer(part)
        guard held.body.readableBytes > maximumBody else {
            self.held = held
            return loop.makeSucceededVoidFuture()
        }
        poll.mayKeepNone()
        client.head(held.head)
        return client.body(held.body)
    }

    func end() {
        guard let held else { return client.end() }
        self.held = nil
        poll.collected(held.head.headers, held.body)
    }

    func fail(_ failure: GatewayFailure) {
        if held == nil, poll.isPassing { return client.fail(failure) }
        held = nil
        poll.failed(failure)
    }
}

@available(*, unavailable)
extension CollectedAnswer: Sendable {}
