import DoorbellServer
import NIOCore
import NIOHTTP1

/// A poll's answer on its way to the client: it is noted, and tagged where it has no tag. Lives on the connection's loop.
final class WatchedAnswer: LegacyAnswerWriter {
    private let client: any LegacyAnswerWriter
    private let observer: PollObserver
    private let loop: any EventLoop
    private var watch: PollWatch
    private var tagging: AnswerTagging?

    /// - Parameter head: The request's.
    init(
        to client: any LegacyAnswerWriter, of head: HTTPRequestHead, watch: PollWatch, observer: PollObserver,
        loop: any EventLoop
    ) {
        self.client = client
        self.observer = observer
        self.loop = loop
        self.watch = watch
        self.tagging = AnswerTagging(head)
    }

    func wantsBody() { client.wantsBody() }

    func head(_ head: HTTPResponseHead) {
        if tagging?.began(head) != true { pass(head) }
    }

    func body(_ part: ByteBuffer) -> EventLoopFuture<Void> {
        guard tagging?.isHolding == true else { return pass(part) }
        guard let released = tagging?.passed(part) else { return loop.makeSucceededVoidFuture() }
        pass(released.head)
        return pass(released.body)
    }

    func end() {
        if let whole = tagging?.ended() {
            pass(whole.head)
            // Nothing waits for it: it is the last.
            if whole.body.readableBytes > 0 { _ = pass(whole.body) }
        }
        watch.ended(observer)
        client.end()
    }

    func fail(_ failure: GatewayFailure) {
        observer.failed(watch.request)
        client.fail(failure)
    }

    private func pass(_ head: HTTPResponseHead) {
        var head = head
        watch.began(&head)
        client.head(head)
    }

    private func pass(_ part: ByteBuffer) -> EventLoopFuture<Void> {
        watch.passed(part)
        return client.body(part)
    }
}

@available(*, unavailable)
extension WatchedAnswer: Sendable {}
