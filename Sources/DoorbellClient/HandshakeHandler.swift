import DoorbellWire
import NIOCore
import NIOHTTP1

/// Sends the upgrade request and waits for the answer. Then it takes the HTTP handlers out of the pipeline, and itself; what
/// the server sent behind its 101 goes to the handler that `upgrade` adds.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// What the server agreed to.
    struct Agreement: Sendable {
        let subprotocol: String?
        let headers: HTTPHeaders
    }

    private let request: HTTPRequestHead
    private let expected: UpgradeResponse
    private let http: [any RemovableChannelHandler]
    private let timeout: TimeAmount
    /// Called on the loop when the upgrade has been agreed and no HTTP handler is left; adds the one that speaks WebSocket.
    private let upgrade: (ChannelHandlerContext, Agreement) throws -> Void
    private let failed: (any Error) -> Void

    private var timer: Scheduled<Void>?
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var state = State.waiting

    private enum State {
        case waiting
        /// The HTTP handlers are leaving. What comes meanwhile, at most what is read in one pass of the loop, is kept.
        case upgrading([NIOAny])
        case done
    }

    init(
        request: HTTPRequestHead, expected: UpgradeResponse, http: [any RemovableChannelHandler], timeout: TimeAmount,
        upgrade: @escaping (ChannelHandlerContext, Agreement) throws -> Void, failed: @escaping (any Error) -> Void
    ) {
        self.request = request
        self.expected = expected
        self.http = http
        self.timeout = timeout
        self.upgrade = upgrade
        self.failed = failed
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { start(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        start(context)
        context.fireChannelActive()
    }

    private func start(_ context: ChannelHandlerContext) {
        guard timer == nil else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: timeout) {
            let (handler, context) = bound.value
            handler.fail(ConnectError.timedOut, context)
        }
        context.write(wrapOutboundOut(.head(request)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .waiting: break
        case .upgrading(let kept):
            state = .upgrading(kept + [data])
            return
        case .done: return
        }
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(let part):
            let room = ConnectError.Refusal.maximumBody - body.count
            body.append(contentsOf: part.readableBytesView.prefix(room))
            // A server that never stops talking is not waited for.
            if part.readableBytes > room { finish(context) }
        case .end: finish(context)
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard let head else { return }
        guard head.status == .switchingProtocols else {
            let headers = head.headers.map { (name: $0.name, value: $0.value) }
            let refusal = ConnectError.Refusal(status: Int(head.status.code), headers: headers, body: body)
            return fail(ConnectError.refused(refusal), context)
        }
        do {
            let agreement = Agreement(subprotocol: try expected.check(head), headers: head.headers)
            timer?.cancel()
            state = .upgrading([])
            let removals = http.map { context.pipeline.syncOperations.removeHandler($0) }
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            EventLoopFuture.andAllComplete(removals, on: context.eventLoop).whenComplete { _ in
                let (handler, context) = bound.value
                handler.takeOver(agreement, context)
            }
        } catch {
            fail(error, context)
        }
    }

    private func takeOver(_ agreement: Agreement, _ context: ChannelHandlerContext) {
        guard case .upgrading(let kept) = state else { return }
        do {
            try upgrade(context, agreement)
            state = .done
            for data in kept { context.fireChannelRead(data) }
            if !kept.isEmpty { context.fireChannelReadComplete() }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } catch {
            fail(error, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ConnectError.closed, context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(error, context) }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        if case .done = state { return }
        state = .done
        timer?.cancel()
        failed(error)
        context.close(promise: nil)
    }
}
