import AsyncHTTPClient
import DoorbellServer
import NIOCore
import NIOHTTP1

/// One request on its way to the legacy API and its answer on the way back.
///
/// `@unchecked Sendable`: everything happens on `loop`. AsyncHTTPClient calls its delegate on the loop it was given, and the
/// server calls from its connection, which lives there.
final class UpstreamExchange: HTTPClientResponseDelegate, LegacyRequestWriter, @unchecked Sendable {
    typealias Response = Void

    private enum State {
        /// Waiting for a place, or for a connection.
        case waiting
        case running
        case over
    }

    private let upstream: HTTPUpstream
    private let loop: any EventLoop
    private let answer: any LegacyAnswerWriter
    private var state = State.waiting
    private var slots: UpstreamSlots?
    private var place: UpstreamSlots.Waiting?
    /// Has a place as a request whose body has not ended.
    private var isOpen = false
    private var task: HTTPClient.Task<Void>?

    /// The request's body that the legacy API has not taken: up to ``UpstreamConfiguration/requestBuffer`` and one read more.
    /// One buffer and not a list of parts: a client may send its body a byte at a time.
    private var pending = ByteBuffer()
    /// Of ``pending`` and of the part that is being written.
    private var pendingBytes = 0
    private var isBodyEnded = false
    private var isClientHeld = false
    private var isWriting = false
    private var isPumpDue = false
    /// Runs while the legacy API does not take the part that was written last.
    private var writeTimeout: Scheduled<Void>?
    private var writer: HTTPClient.Body.StreamWriter?
    private var bodySent: EventLoopPromise<Void>?

    init(upstream: HTTPUpstream, loop: any EventLoop, answer: any LegacyAnswerWriter) {
        self.upstream = upstream
        self.loop = loop
        self.answer = answer
    }

    // MARK: Life

    func start(_ request: HTTPClient.Request, hasBody: Bool, slots: UpstreamSlots?) {
        guard let slots else { return refuse(GatewayFailure(.serviceUnavailable, "the service is going away")) }
        place = slots.acquire(isOpen: hasBody, on: loop) { [self] in
            self.slots = slots
            isOpen = hasBody && !isBodyEnded
            place = nil
            state = .running
            task = upstream.execute(request, delegate: self, on: loop)
            // Some failures never reach the delegate.
            task?.futureResult.whenFailure { [self] error in failed(error) }
        } fail: { [self] failure in
            place = nil
            refuse(failure)
        }
    }

    /// There will be no request. Told later, because the caller is still in the middle of handing it over.
    func refuse(_ failure: GatewayFailure) {
        loop.execute { [self] in
            guard finish() else { return }
            answer.fail(failure)
        }
    }

    private func failed(_ error: any Error) {
        guard finish() else { return }
        let failure = GatewayFailure(error, address: upstream.address)
        upstream.health.failed(failure.reason)
        bodySent?.fail(failure)
        bodySent = nil
        answer.fail(failure)
    }

    /// `false`: it was over already.
    private func finish() -> Bool {
        if case .over = state { return false }
        state = .over
        place?.cancel()
        place = nil
        task = nil
        writer = nil
        writeTimeout?.cancel()
        writeTimeout = nil
        pending = ByteBuffer()
        pendingBytes = 0
        slots?.release(isOpen: isOpen)
        isOpen = false
        slots = nil
        return true
    }

    // MARK: The request's body

    func body(_ part: ByteBuffer) -> Bool {
        if case .over = state { return true }
        // An empty buffer is replaced, so that a body that is taken as fast as it comes is not copied.
        if pending.readableBytes == 0 { pending = part } else { pending.writeImmutableBuffer(part) }
        pendingBytes += part.readableBytes
        pumpSoon()
        isClientHeld = pendingBytes >= upstream.configuration.requestBuffer
        return !isClientHeld
    }

    func end() {
        isBodyEnded = true
        place?.bodyEnded()
        if isOpen {
            isOpen = false
            slots?.bodyEnded()
        }
        pump()
    }

    func cancel() {
        let task = task
        guard finish() else { return }
        task?.cancel()
        bodySent?.fail(HTTPClientError.cancelled)
        bodySent = nil
    }

    /// The legacy API's connection stands and the head is sent.
    func bodyWanted(by writer: HTTPClient.Body.StreamWriter) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        bodySent = promise
        self.writer = writer
        if !isBodyEnded { askForMore() }
        pump()
        return promise.futureResult
    }

    /// Once for all parts of one read: a client may send its body in chunks of a byte, and each write costs the same.
    private func pumpSoon() {
        guard !isPumpDue else { return }
        isPumpDue = true
        loop.execute { [self] in
            isPumpDue = false
            pump()
        }
    }

    private func pump() {
        guard let writer, !isWriting else { return }
        guard pending.readableBytes > 0 else {
            if isBodyEnded {
                self.writer = nil
                bodySent?.succeed(())
                bodySent = nil
            }
            return
        }
        let part = pending
        pending = ByteBuffer()
        isWriting = true
        writer.write(.byteBuffer(part)).hop(to: loop).whenComplete { [self] result in
            isWriting = false
            writeTimeout?.cancel()
            writeTimeout = nil
            pendingBytes = max(0, pendingBytes - part.readableBytes)
            switch result {
            case .success:
                if isClientHeld, pendingBytes < upstream.configuration.requestBuffer / 2 { askForMore() }
                pump()
            case .failure:
                // The legacy API has answered without wanting the rest, or the task fails and says why.
                self.writer = nil
                pending = ByteBuffer()
                pendingBytes = 0
                if isClientHeld { askForMore() }
            }
        }
        guard isWriting, writeTimeout == nil else { return }
        writeTimeout = loop.scheduleTask(in: upstream.configuration.answerTimeout) { [self] in
            let task = task
            failed(HTTPClientError.writeTimeout)
            task?.cancel()
        }
    }

    private func askForMore() {
        isClientHeld = false
        answer.wantsBody()
    }

    // MARK: The answer

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        guard case .running = state else { return loop.makeSucceededVoidFuture() }
        upstream.health.answered()
        guard head.status.code >= 200 else {
            // Nobody asked it to switch protocols, and the client would take it at its word.
            failed(GatewayFailure(.badGateway, "the legacy API at \(upstream.address) switched protocols unasked"))
            task.cancel()
            return loop.makeSucceededVoidFuture()
        }
        guard ProxyHeaders.isDecoded(head.headers) else {
            failed(GatewayFailure(.badGateway, "the legacy API at \(upstream.address) used an unknown transfer coding"))
            task.cancel()
            return loop.makeSucceededVoidFuture()
        }
        var head = head
        head.headers = ProxyHeaders.answer(head.headers)
        answer.head(head)
        return loop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        guard case .running = state else { return loop.makeSucceededVoidFuture() }
        return answer.body(buffer)
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) throws {
        guard finish() else { return }
        answer.end()
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) { failed(error) }
}
