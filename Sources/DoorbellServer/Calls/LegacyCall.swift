import DoorbellWire
import NIOCore
import NIOHTTP1

/// One call to the legacy API: takes the answer whole, within a bound and a deadline. Lives on its client's event loop.
final class LegacyCall: LegacyAnswerWriter {
    private let id: String
    private let loop: any EventLoop
    /// Called once; `nil` when it was, or when nobody waits any more.
    private var finished: ((CallOutcome) -> Void)?
    private var writer: (any LegacyRequestWriter)?
    private var deadline: Scheduled<Void>?
    private var head: HTTPResponseHead?
    /// At most ``ServerMessage/Response/maximumBodyLength`` bytes; a longer answer is given up.
    private var answer = ByteBuffer()

    /// - Parameter finished: Perhaps called within ``start(_:body:via:from:timeout:)``.
    init(id: String, loop: any EventLoop, finished: @escaping (CallOutcome) -> Void) {
        self.id = id
        self.loop = loop
        self.finished = finished
    }

    /// - Parameter timeout: For the whole exchange: an answer that trickles is given up too.
    func start(
        _ head: HTTPRequestHead, body: [UInt8]?, via gateway: any LegacyGateway, from origin: RequestOrigin,
        timeout: TimeAmount
    ) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        deadline = loop.scheduleTask(in: timeout) {
            bound.value.give(up: .failed("the legacy API did not give a whole answer in time"))
        }
        let writer = gateway.forward(head, hasBody: body != nil, from: origin, on: loop, answer: self)
        guard finished != nil else { return writer.cancel() }
        self.writer = writer
        // The body is bounded by the message that it came in, so it is handed over whole.
        if let body { _ = writer.body(ByteBuffer(bytes: body)) }
        writer.end()
    }

    /// The client is gone.
    func cancel() {
        finished = nil
        give(up: .unread)
    }

    private func give(up outcome: CallOutcome) {
        let writer = writer
        finish(outcome)
        writer?.cancel()
    }

    private func finish(_ outcome: CallOutcome) {
        deadline?.cancel()
        deadline = nil
        writer = nil
        answer = ByteBuffer()
        let finished = finished
        self.finished = nil
        finished?(outcome)
    }

    // MARK: LegacyAnswerWriter

    func wantsBody() {}

    func head(_ head: HTTPResponseHead) { self.head = head }

    func body(_ part: ByteBuffer) -> EventLoopFuture<Void> {
        guard finished != nil else { return loop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        guard answer.readableBytes + part.readableBytes <= ServerMessage.Response.maximumBodyLength else {
            give(up: .tooLong)
            return loop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        answer.writeImmutableBuffer(part)
        return loop.makeSucceededVoidFuture()
    }

    func end() {
        guard finished != nil else { return }
        guard let head else { return finish(.failed("the legacy API gave no answer")) }
        let response = ServerMessage.Response(
            id: id, status: Int(head.status.code), headers: CallCheck.told(head.headers),
            answer: Array(answer.readableBytesView))
        finish(response.map { .answered($0) } ?? .tooLong)
    }

    func fail(_ failure: GatewayFailure) {
        finish(failure.status == .badRequest ? .refused(failure.reason) : .failed(failure.reason))
    }
}

@available(*, unavailable)
extension LegacyCall: Sendable {}
