import DoorbellServer
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A handshake on its way to the legacy API, on a connection of its own: AsyncHTTPClient switches no protocols. Lives on its event loop.
///
/// When the legacy API answers 101, the connection is handed over as it is. Any other answer is passed on, and the connection closes.
final class UpstreamTunnel: ChannelInboundHandler, RemovableChannelHandler, LegacyRequestWriter {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// Where the legacy API is.
    struct Address: Sendable {
        let host: String
        let port: Int
        /// `nil`: no TLS.
        let tls: NIOSSLContext?
        /// Put before every target.
        let path: String
    }

    private enum State {
        case connecting
        /// The head is sent.
        case asking
        /// 101; what comes next is for others.
        case switching(HTTPResponseHead)
        /// Another answer.
        case answering
        case over
    }

    private let upstream: HTTPUpstream
    private let loop: any EventLoop
    /// `nil` once it is over.
    private var answer: (any LegacyTunnelWriter)?
    private let encoder = HTTPRequestEncoder()
    private let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes))
    private var state = State.connecting
    private var context: ChannelHandlerContext?
    /// Parts of the answer that the client has not taken.
    private var untaken = 0
    /// Runs while the legacy API is silent.
    private var timeout: Scheduled<Void>?

    init(upstream: HTTPUpstream, loop: any EventLoop, answer: any LegacyTunnelWriter) {
        self.upstream = upstream
        self.loop = loop
        self.answer = answer
    }

    // MARK: Life

    func start(_ head: HTTPRequestHead, at address: Address) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        ClientBootstrap(group: loop)
            .connectTimeout(upstream.configuration.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Read as fast as the client takes it.
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls = address.tls { try pipeline.addHandler(Self.secure(tls, address.host)) }
                    let tunnel = bound.value
                    try pipeline.addHandlers([tunnel.encoder, tunnel.decoder, tunnel])
                }
            }
            .connect(host: address.host, port: address.port)
            .whenComplete { result in
                let tunnel = bound.value
                switch result {
                case .success: tunnel.connected(head)
                case .failure(let error): tunnel.failed(Self.failure(error, address: tunnel.upstream.address))
                }
            }
    }

    private static func secure(_ tls: NIOSSLContext, _ host: String) throws -> NIOSSLClientHandler {
        // Server name indication is for names, not addresses.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : host)
    }

    private static func failure(_ error: any Error, address: String) -> GatewayFailure {
        if case .connectTimeout? = error as? ChannelError {
            return GatewayFailure(
                .gatewayTimeout, "the legacy API at \(address) did not accept a connection in time")
        }
        return GatewayFailure(error, address: address)
    }

    private func connected(_ head: HTTPRequestHead) {
        guard let context else { return }
        guard case .connecting = state else { return context.close(promise: nil) }
        state = .asking
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        watch()
        context.read()
    }

    /// Begins to count its silence anew.
    private func watch() {
        timeout?.cancel()
        let bound = NIOLoopBound(self, eventLoop: loop)
        timeout = loop.scheduleTask(in: upstream.configuration.answerTimeout) {
            let tunnel = bound.value
            tunnel.failed(
                GatewayFailure(
                    .gatewayTimeout, "the legacy API at \(tunnel.upstream.address) did not answer in time"))
        }
    }

    private func failed(_ failure: GatewayFailure) {
        guard let answer = finish() else { return }
        upstream.health.failed(failure.reason)
        context?.close(promise: nil)
        answer.fail(failure)
    }

    /// `nil`: it was over already.
    private func finish() -> (any LegacyTunnelWriter)? {
        timeout?.cancel()
        timeout = nil
        state = .over
        defer { answer = nil }
        return answer
    }

    // MARK: The request

    /// A handshake has no body.
    func body(_ part: ByteBuffer) -> Bool { true }
    func end() {}

    func cancel() {
        _ = finish()
        context?.close(promise: nil)
    }

    // MARK: The answer

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelInactive(context: ChannelHandlerContext) {
        failed(
            GatewayFailure(
                .badGateway, "the legacy API at \(upstream.address) closed the connection without a whole answer"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failed(GatewayFailure(error, address: upstream.address))
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let answer else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            upstream.health.answered()
            guard head.status != .switchingProtocols else { return state = .switching(head) }
            guard ProxyHeaders.isDecoded(head.headers) else {
                return failed(
                    GatewayFailure(
                        .badGateway, "the legacy API at \(upstream.address) used an unknown transfer coding"))
            }
            state = .answering
            watch()
            answer.head(
                HTTPResponseHead(version: .http1_1, status: head.status, headers: ProxyHeaders.answer(head.headers)))
        case .body(let part):
            timeout?.cancel()
            untaken += 1
            let bound = NIOLoopBound(self, eventLoop: loop)
            // Later, because it may be taken at once, and the read that brought it is not over.
            let loop = loop
            answer.body(part).whenComplete { result in loop.execute { bound.value.taken(result) } }
        case .end:
            if case .switching(let head) = state { return switchSoon(head) }
            _ = finish()
            answer.end()
            context.close(promise: nil)
        }
    }

    private func taken(_ result: Result<Void, any Error>) {
        guard case .answering = state else { return }
        guard case .success = result else { return cancel() }
        untaken -= 1
        guard untaken == 0 else { return }
        watch()
        context?.read()
    }

    /// A read may have brought less than a head, or less than a chunk.
    func channelReadComplete(context: ChannelHandlerContext) {
        switch state {
        case .asking, .answering: if untaken == 0 { context.read() }
        case .connecting, .switching, .over: break
        }
        context.fireChannelReadComplete()
    }

    /// Not from within the decoder, which is about to be taken away.
    private func switchSoon(_ head: HTTPResponseHead) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.handOver(head) }
    }

    private func handOver(_ head: HTTPResponseHead) {
        guard let context, let answer = finish() else { return }
        let channel = context.channel
        var head = head
        let protocols = head.headers["upgrade"]
        head.headers = ProxyHeaders.answer(head.headers)
        guard channel.isActive, protocols.count == 1, protocols[0].lowercased() == "websocket" else {
            context.close(promise: nil)
            return answer.fail(
                GatewayFailure(.badGateway, "the legacy API at \(upstream.address) switched to another protocol"))
        }
        guard answer.switched(head, to: channel) else { return context.close(promise: nil) }
        let operations = context.pipeline.syncOperations
        operations.removeHandler(encoder, promise: nil)
        operations.removeHandler(self, promise: nil)
        // Last, because it hands on what came behind the answer.
        operations.removeHandler(decoder).whenComplete { _ in channel.pipeline.fireChannelReadComplete() }
    }
}

@available(*, unavailable)
extension UpstreamTunnel: Sendable {}
