import CoreMetrics
import DoorbellCore
import NIOCore
import NIOHTTP1

/// One client connection while it speaks HTTP/1.1, or one stream of an HTTP/2 connection. Lives on its event loop.
///
/// A stream is a connection with one request: its requests say HTTP/1.1, and what its answers say about the connection is taken out
/// again on the way to the client. Closing it ends the stream only.
///
/// Requests come one at a time (`HTTPServerPipelineHandler` holds pipelined ones back). Each is answered by the server itself,
/// becomes a WebSocket, or is streamed to the legacy API. Backpressure goes both ways: a request body is read as fast as the
/// legacy API takes it, an answer as fast as the client takes it.
final class HTTPConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    enum State {
        /// Waiting for a request.
        case idle
        case exchanging(Exchange)
        /// Answered; the rest of the request is read and dropped, so that closing does not destroy the answer on its way.
        /// Leaves by closing: at the request's end, or when `remaining` bytes are used up.
        case lingering(remaining: Int)
        /// Server-sent events until either side ends them. Leaves by closing.
        case streaming(EventStream)
        /// A WebSocket, or closing, or closed.
        case done
    }

    /// What brings the requests.
    enum Carrier {
        case connection(HTTPPipeline)
        case stream(HTTP2StreamHandler)

        var isStream: Bool { if case .stream = self { true } else { false } }
    }

    /// How long a client may be silent while the rest of its request is dropped.
    static let lingerTimeout = Duration.seconds(2)

    let core: ServerCore
    let loopState: LoopState
    let carrier: Carrier
    let origin: RequestOrigin
    private(set) var state = State.idle
    private(set) var context: ChannelHandlerContext?
    /// Of the request that is being answered, of the stream that it has become, or of one that may come again as it was.
    private(set) var access: OpenAccess?
    private(set) var isFirstRequest = true
    private var readsSmall = true
    var activity: ActivityTimer
    /// The legacy API takes no more of the request's body for now.
    private(set) var isBodyHeld = false
    private var isReadHeld = false
    /// The end of an answer is being written, which may bring the next request.
    private var isEnding = false
    /// Somebody waits for the client to take bytes.
    private(set) var writable: EventLoopPromise<Void>?

    /// - Parameter start: When the connection was accepted.
    init(
        core: ServerCore, loopState: LoopState, carrier: Carrier, origin: RequestOrigin,
        since start: NIODeadline = .now()
    ) {
        self.core = core
        self.loopState = loopState
        self.carrier = carrier
        self.origin = origin
        self.activity = ActivityTimer(since: start)
    }

    // MARK: Pipeline

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if !carrier.isStream { core.metrics.httpConnections.increment() }
        watchActivity(for: activity.left(of: core.configuration.headerTimeout))
    }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    private func ended() {
        guard context != nil else { return }
        if !carrier.isStream {
            if case .streaming = state {} else { core.metrics.httpConnections.decrement() }
        }
        activity.stop()
        switch state {
        case .exchanging(let exchange):
            exchange.writer?.cancel()
            exchange.held?.cancel()
        case .streaming(let stream): stream.ended()
        case .idle, .lingering, .done: break
        }
        state = .done
        access?.end()
        access = nil
        let waiting = writable
        writable = nil
        context = nil
        waiting?.fail(ChannelError.ioOnClosedChannel)
    }

    func read(context: ChannelHandlerContext) {
        if isBodyHeld { isReadHeld = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        activity.note()
        if context.channel.isWritable {
            if case .streaming(let stream) = state { stream.becameWritable() }
            let waiting = writable
            writable = nil
            waiting?.succeed(())
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let parsing = error as? HTTPParserError else {
            close()
            return
        }
        let answer: LocalAnswer =
            parsing == .headerOverflow
            ? .problem(.requestHeaderFieldsTooLarge, "the request's headers are too large")
            : .problem(.badRequest, "this is not a well-formed HTTP/1.1 request: \(parsing.debugDescription)")
        switch state {
        case .idle:
            var exchange = Exchange(head: HTTPRequestHead(version: .http1_1, method: .GET, uri: "/"))
            exchange.keepsAlive = false
            exchange.isRequestEnded = true
            access = openAccess(nil)
            state = .exchanging(exchange)
            send(answer)
        case .exchanging(var exchange):
            exchange.writer?.cancel()
            exchange.held?.cancel()
            guard !exchange.isHeadSent else { return close() }
            (exchange.writer, exchange.answer, exchange.atEnd, exchange.held) = (nil, nil, nil, nil)
            exchange.keepsAlive = false
            exchange.isRequestEnded = true
            state = .exchanging(exchange)
            send(answer)
        case .lingering, .streaming, .done: close()
        }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        activity.note()
        switch unwrapInboundIn(data) {
        case .head(var head):
            if carrier.isStream { head.version = .http1_1 }
            began(head, loop: context.eventLoop)
        case .body(let part): continued(part)
        case .end: requestEnded()
        }
    }

    private func began(_ given: HTTPRequestHead, loop: any EventLoop) {
        guard case .idle = state else { return }
        isFirstRequest = false
        access = openAccess(given)
        let head: HTTPRequestHead
        switch RequestCheck.checked(given) {
        case .success(let checked): head = checked
        case .failure(let refusal): return refuse(given, .problem(.badRequest, refusal.reason))
        }
        var exchange = Exchange(head: head)
        let isTLS = origin.isTLS
        if core.isDraining { exchange.keepsAlive = false }
        if head.method == .CONNECT {
            exchange.atEnd = .answer(.problem(.methodNotAllowed, "CONNECT is not for this server"))
        } else if let route = OwnRoutes.route(head, isTLS: isTLS, core: core) {
            switch route {
            case .answer(let answer): exchange.atEnd = .answer(answer)
            case .webSocket: exchange.atEnd = WebSocketUpgrade.check(head, isTLS: isTLS, core: core, poll: nil)
            case .events: exchange.atEnd = EventStreamRequest.check(head, isTLS: isTLS, core: core, poll: nil)
            case .ticket: exchange.atEnd = TicketRequest.check(head, isTLS: isTLS, core: core)
            }
        } else if WebSocketUpgrade.isAsked(by: head), let poll = core.catalog.poll(matching: head.uri) {
            exchange.atEnd = WebSocketUpgrade.check(head, isTLS: isTLS, core: core, poll: poll)
        } else if WebSocketUpgrade.isAsked(by: head), !exchange.hasBody, !carrier.isStream {
            readLarger()
            exchange.atEnd = .tunnel(head)
        } else if EventStreamRequest.isAsked(by: head), let poll = core.catalog.poll(matching: head.uri) {
            exchange.atEnd = EventStreamRequest.check(head, isTLS: isTLS, core: core, poll: poll)
        } else if let held = held(head, loop: loop) {
            exchange.atEnd = held
        } else {
            readLarger()
            let hasBody = exchange.hasBody
            state = .exchanging(exchange)
            return handOn { answer in
                core.gateway.forward(head, hasBody: hasBody, from: origin, on: loop, answer: answer)
            }
        }
        state = .exchanging(exchange)
    }

    /// The gateway answers the request.
    func handOn(_ begin: (ClientAnswer) -> any LegacyRequestWriter) {
        guard case .exchanging(var exchange) = state, let context else { return }
        let answer = ClientAnswer(connection: self, loop: context.eventLoop)
        exchange.answer = answer
        state = .exchanging(exchange)
        let writer = begin(answer)
        // It may have answered already, and the exchange may be over.
        guard isAnswering(answer), case .exchanging(var exchange) = state else { return }
        exchange.writer = writer
        state = .exchanging(exchange)
    }

    /// Whether `answer` is to the request that is open.
    func isAnswering(_ answer: ClientAnswer) -> Bool {
        if case .exchanging(let exchange) = state { exchange.answer === answer } else { false }
    }

    private func openAccess(_ head: HTTPRequestHead?) -> OpenAccess? {
        OpenAccess(head, from: origin, isHTTP2: carrier.isStream, core: core)
    }

    /// A connection that is proxied from may bring long bodies.
    private func readLarger() {
        guard readsSmall, !carrier.isStream else { return }
        readsSmall = false
        guard let options = context?.channel.syncOptions else { return }
        try? options.setOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator())
        try? options.setOption(.maxMessagesPerRead, value: 4)
    }

    /// A connection that is pushed to from now on brings little.
    func readSmall(from channel: any Channel) {
        guard !readsSmall || origin.isTLS else { return }
        readsSmall = true
        UnpooledReads(isFirst: false).apply(to: channel)
    }

    private func refuse(_ head: HTTPRequestHead, _ answer: LocalAnswer) {
        var exchange = Exchange(head: head)
        exchange.keepsAlive = false
        state = .exchanging(exchange)
        send(answer)
    }

    private func continued(_ part: ByteBuffer) {
        switch state {
        case .exchanging(let exchange):
            // HTTP/2 frames a body by itself, so one can come that the head did not announce to whom it was passed on.
            guard exchange.hasBody || part.readableBytes == 0 else { return close() }
            if let writer = exchange.writer, !writer.body(part) { isBodyHeld = true }
        case .lingering(let remaining):
            if remaining > part.readableBytes {
                state = .lingering(remaining: remaining - part.readableBytes)
            } else {
                close()
            }
        case .idle, .streaming, .done: break
        }
    }

    private func requestEnded() {
        switch state {
        case .exchanging(var exchange):
            exchange.isRequestEnded = true
            let atEnd = exchange.atEnd
            exchange.atEnd = nil
            state = .exchanging(exchange)
            exchange.writer?.end()
            switch atEnd {
            case .answer(let answer)?: send(answer)
            case .upgrade(let upgrade)?: admit(upgrade.access) { [self] in begin(upgrade, $0) }
            case .tunnel(let head)?: beginTunnel(head)
            case .events(let request)?:
                admit(request.access, accessControl: request.accessControl) { [self] in begin(request, $0) }
            case .ticket(let request)?:
                admit(request.access, accessControl: request.accessControl) { [self] visitor in
                    send(request.answer(visitor, core.doorkeeper))
                }
            case .hold(let held, let access?)?:
                admit(access) { [self] visitor in
                    held.headers = visitor.headers
                    begin(held)
                }
            case .hold(let held, nil)?: begin(held)
            case nil: break
            }
        case .lingering:
            // A stream ends by itself when its answer is out; closing it would take back what is not.
            if carrier.isStream { state = .done } else { close() }
        case .idle, .streaming, .done: break
        }
    }

    // MARK: Answers of the legacy API

    func wantsBody(for answer: ClientAnswer) {
        guard case .exchanging(var exchange) = state, exchange.answer === answer else { return }
        if exchange.awaitsContinue, !exchange.isHeadSent {
            exchange.awaitsContinue = false
            state = .exchanging(exchange)
            context?.writeAndFlush(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
        }
        isBodyHeld = false
        if isReadHeld {
            isReadHeld = false
            context?.read()
        }
    }

    func answer(_ answer: ClientAnswer, head: HTTPResponseHead) {
        guard case .exchanging(var exchange) = state, exchange.answer === answer, !exchange.isHeadSent else { return }
        exchange.isHeadSent = true
        let framed = exchange.framed(head.status, head.headers)
        exchange.repeatable?.head = framed
        access?.status = Int(head.status.code)
        state = .exchanging(exchange)
        context?.write(wrapOutboundOut(.head(framed)), promise: nil)
    }

    func answer(_ answer: ClientAnswer, isRepeatable repeatable: any RepeatableAnswer) {
        guard case .exchanging(var exchange) = state, exchange.answer === answer, !exchange.isHeadSent else { return }
        exchange.repeatable = RepeatableExchange(answer: repeatable)
        state = .exchanging(exchange)
    }

    /// A request was answered before it came here.
    func repeated() {
        activity.note()
        access?.again()
    }

    func answer(_ answer: ClientAnswer, body: ByteBuffer) -> EventLoopFuture<Void>? {
        guard case .exchanging(var exchange) = state, exchange.answer === answer, let context else { return nil }
        if exchange.repeatable != nil {
            exchange.repeatable?.body.append(body)
            state = .exchanging(exchange)
        }
        activity.note()
        access?.sent(body.readableBytes)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        // Writing finds out that the client is gone, and then everything here has ended by now.
        guard self.context != nil else { return nil }
        if context.channel.isWritable { return context.eventLoop.makeSucceededVoidFuture() }
        let promise = writable ?? context.eventLoop.makePromise(of: Void.self)
        writable = promise
        return promise.futureResult
    }

    func answerEnded(_ answer: ClientAnswer) {
        guard case .exchanging(let exchange) = state, exchange.answer === answer else { return }
        finish()
    }

    func answerFailed(_ answer: ClientAnswer, _ failure: GatewayFailure) {
        guard case .exchanging(var exchange) = state, exchange.answer === answer else { return }
        // Half an answer cannot be taken back; the client sees that it broke off.
        guard !exchange.isHeadSent else { return close() }
        exchange.answer = nil
        exchange.writer = nil
        state = .exchanging(exchange)
        var headers = HTTPHeaders()
        if failure.status == .serviceUnavailable { headers.add(name: "retry-after", value: "1") }
        send(.problem(failure.status, failure.reason, headers: headers))
    }

    // MARK: Own answers

    func send(_ answer: LocalAnswer) {
        guard case .exchanging(var exchange) = state, !exchange.isHeadSent, let context else { return }
        exchange.isHeadSent = true
        var headers = answer.headers
        headers.replaceOrAdd(name: "content-length", value: String(answer.body.count))
        let framed = exchange.framed(answer.status, headers)
        exchange.held = nil
        access?.status = Int(answer.status.code)
        state = .exchanging(exchange)
        context.write(wrapOutboundOut(.head(framed)), promise: nil)
        let isBodiless = answer.status == .noContent || answer.status == .notModified || exchange.head.method == .HEAD
        if !answer.body.isEmpty, !isBodiless {
            access?.sent(answer.body.count)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
        }
        finish()
    }

    /// The answer is complete: writes it out and goes on to the next request, or closes.
    private func finish() {
        guard case .exchanging(let exchange) = state, let context else { return }
        guard !isEnding else {
            // Within the end of the answer before it: as many requests as were sent ahead would be answered one within the other.
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            return context.eventLoop.execute { bound.value.finish() }
        }
        if exchange.isRequestEnded, !context.channel.isWritable { return finishWhenWritable(context) }
        isEnding = true
        defer { isEnding = false }
        isBodyHeld = false
        activity.note()
        access?.end()
        let repeatable = exchange.isRepeatable ? exchange.repeatable : nil
        if repeatable == nil { access = nil }
        if !exchange.isRequestEnded {
            state = .lingering(remaining: 1 << 20)
            watchActivity(for: TimeAmount(Self.lingerTimeout))
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        } else if exchange.keepsAlive {
            state = .idle
            if case .connection(let pipeline) = carrier {
                pipeline.repeated?.answered(
                    bodyLength: exchange.bodyLength, repeatable?.answer, bytes: repeatable?.bytes ?? [])
            }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        } else {
            state = .done
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
        }
        if isReadHeld {
            isReadHeld = false
            context.read()
        }
    }

    /// The next request is not looked at before the client takes this answer: many short requests could ask for more than memory holds.
    private func finishWhenWritable(_ context: ChannelHandlerContext) {
        let promise = writable ?? context.eventLoop.makePromise(of: Void.self)
        writable = promise
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenSuccess { bound.value.finish() }
        context.flush()
    }

    func close() { context?.close(promise: nil) }

    /// The answer is a stream of events from here on.
    func stream(_ events: EventStream, head: HTTPResponseHead) {
        guard case .exchanging = state, let context else { return }
        state = .streaming(events)
        access?.status = Int(head.status.code)
        if !carrier.isStream { core.metrics.httpConnections.decrement() }
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    /// `held` is the answer's business until it is there.
    func hold(_ held: HeldPoll) {
        guard case .exchanging(var exchange) = state else { return }
        exchange.held = held
        state = .exchanging(exchange)
    }

    /// The connection becomes a WebSocket: nothing more is done here.
    func handOver() -> (context: ChannelHandlerContext, access: OpenAccess?)? {
        guard case .exchanging = state, let context, context.channel.isActive else { return nil }
        state = .done
        defer { access = nil }
        access?.status = Int(HTTPResponseStatus.switchingProtocols.code)
        return (context, access)
    }
}

@available(*, unavailable)
extension HTTPConnectionHandler: Sendable {}
