import DoorbellCore
import NIOCore
import NIOPosix
import NIOSSL

/// A legacy API that answers a head with bytes that a test makes up, and then sends back what it gets.
final class SwitchingServer: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var open = 0
        var sent = 0
        var sawEnd = false
        var hasEnded = false
    }

    private struct Manner {
        let answer: String
        let echoes: Bool
        let endsAfter: String?
        let closes: Bool
        let floods: Bool
    }

    private let channel: any Channel
    private let state: Locked<State>

    /// - Parameters:
    ///   - endsAfter: Ends its own direction once it has got this.
    ///   - closes: Closes behind the answer.
    ///   - floods: Sends as much as is taken.
    ///   - tls: Speaks TLS.
    init(
        answer: String, echoes: Bool = true, endsAfter: String? = nil, closes: Bool = false, floods: Bool = false,
        tls: NIOSSLContext? = nil
    ) async throws {
        let state = Locked(State())
        self.state = state
        let manner = Manner(answer: answer, echoes: echoes, endsAfter: endsAfter, closes: closes, floods: floods)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    if let tls { try child.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try child.pipeline.syncOperations.addHandler(Handler(state, manner))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var received: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }
    /// Of the first request, its end included.
    var head: String { received.components(upTo: "\r\n\r\n") }
    var open: Int { state.withLock { $0.open } }
    var sent: Int { state.withLock { $0.sent } }
    /// Whether the other end has ended its direction.
    var sawEnd: Bool { state.withLock { $0.sawEnd } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    func stop() async { try? await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let state: Locked<State>
        private let manner: Manner
        private var head: [UInt8] = []
        private var isAnswered = false

        init(_ state: Locked<State>, _ manner: Manner) {
            self.state = state
            self.manner = manner
        }

        func channelActive(context: ChannelHandlerContext) { state.withLock { $0.open += 1 } }
        func channelInactive(context: ChannelHandlerContext) { state.withLock { $0.open -= 1 } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = Array(unwrapInboundIn(data).readableBytesView)
            state.withLock { $0.bytes += bytes }
            if !isAnswered {
                head += bytes
                guard let end = String(decoding: head, as: UTF8.self).range(of: "\r\n\r\n") else { return }
                isAnswered = true
                let text = String(decoding: head, as: UTF8.self)
                bytes = Array(text[end.upperBound...].utf8)
                send(manner.answer, context)
                if manner.closes { return close(context) }
                if manner.floods { return flood(context) }
            }
            if manner.echoes, !bytes.isEmpty { send(bytes, context) }
            if let last = manner.endsAfter, String(decoding: bytes, as: UTF8.self).hasSuffix(last) {
                context.close(mode: .output, promise: nil)
                state.withLock { $0.hasEnded = true }
            }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .inputClosed? = event as? ChannelEvent else { return }
            state.withLock { $0.sawEnd = true }
            if manner.endsAfter == nil { close(context) }
        }

        func channelWritabilityChanged(context: ChannelHandlerContext) { if manner.floods { flood(context) } }

        private func flood(_ context: ChannelHandlerContext) {
            while context.channel.isActive, context.channel.isWritable {
                send([UInt8](repeating: 0x61, count: 32 << 10), context)
            }
        }

        private func send(_ text: String, _ context: ChannelHandlerContext) { send(Array(text.utf8), context) }

        private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
            state.withLock { $0.sent += bytes.count }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }

        /// After what was written.
        private func close(_ context: ChannelHandlerContext) {
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close(promise: nil) }
        }
    }
}

extension String {
    fileprivate func components(upTo mark: String) -> String {
        range(of: mark).map { String(self[..<$0.upperBound]) } ?? self
    }

    /// The first place of `text`.
    fileprivate func range(of text: String) -> Range<Index>? { ranges(of: text).first }
}
