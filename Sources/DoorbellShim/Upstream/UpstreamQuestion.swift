import AsyncHTTPClient
import DoorbellServer
import NIOCore
import NIOHTTP1

/// One question to the legacy API on behalf of a subscriber: the whole answer, bounded.
///
/// `@unchecked Sendable`: everything happens on `loop`, as in ``UpstreamExchange``.
final class UpstreamQuestion: HTTPClientResponseDelegate, @unchecked Sendable {
    typealias Response = Void

    private let upstream: HTTPUpstream
    private let loop: any EventLoop
    private let promise: EventLoopPromise<PollAnswer>
    private var isOver = false
    private var slots: UpstreamSlots?
    private var place: UpstreamSlots.Waiting?
    private var task: HTTPClient.Task<Void>?
    private var timeout: Scheduled<Void>?
    private var head = HTTPResponseHead(version: .http1_1, status: .ok)
    private var body = ByteBuffer()

    init(upstream: HTTPUpstream, loop: any EventLoop) {
        self.upstream = upstream
        self.loop = loop
        self.promise = loop.makePromise(of: PollAnswer.self)
    }

    func start(_ request: HTTPClient.Request, slots: UpstreamSlots?) -> EventLoopFuture<PollAnswer> {
        guard let slots else {
            promise.fail(GatewayFailure(.serviceUnavailable, "the service is going away"))
            return promise.futureResult
        }
        timeout = loop.scheduleTask(in: upstream.configuration.askTimeout) { [self] in expired() }
        place = slots.acquire(on: loop) { [self] in
            self.slots = slots
            place = nil
            task = upstream.execute(request, delegate: self, on: loop)
            task?.futureResult.whenFailure { [self] error in failed(error) }
        } fail: { [self] failure in
            place = nil
            finish(.failure(failure))
        }
        return promise.futureResult
    }

    private func expired() {
        guard let task else {
            return finish(.failure(GatewayFailure(.serviceUnavailable, "the legacy API had no free place in time")))
        }
        failed(HTTPClientError.deadlineExceeded)
        task.cancel()
    }

    private func failed(_ error: any Error) {
        guard !isOver else { return }
        let failure = GatewayFailure(error, address: upstream.address)
        upstream.health.failed(failure.reason)
        finish(.failure(failure))
    }

    private func finish(_ result: Result<PollAnswer, any Error>) {
        guard !isOver else { return }
        isOver = true
        timeout?.cancel()
        timeout = nil
        place?.cancel()
        place = nil
        task = nil
        slots?.release()
        slots = nil
        promise.completeWith(result)
    }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        upstream.health.answered()
        guard ProxyHeaders.isDecoded(head.headers) else {
            failed(GatewayFailure(.badGateway, "the legacy API at \(upstream.address) used an unknown transfer coding"))
            task.cancel()
            return loop.makeSucceededVoidFuture()
        }
        self.head = head
        return loop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        guard !isOver else { return loop.makeSucceededVoidFuture() }
        guard body.readableBytes + buffer.readableBytes <= upstream.configuration.maximumAskBody else {
            body = ByteBuffer()
            finish(.success(PollAnswer(status: head.status, headers: ProxyHeaders.answer(head.headers), body: nil)))
            task.cancel()
            return loop.makeSucceededVoidFuture()
        }
        body.writeImmutableBuffer(buffer)
        return loop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) throws {
        finish(.success(PollAnswer(status: head.status, headers: ProxyHeaders.answer(head.headers), body: body)))
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) { failed(error) }
}
