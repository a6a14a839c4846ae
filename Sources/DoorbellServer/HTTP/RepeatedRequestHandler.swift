import NIOCore
import NIOHTTP1

/// Answers a poll that comes again byte for byte as the one before it on its connection, without parsing it. Stands before the HTTP handlers
/// of one connection; lives on its event loop.
///
/// A client that polls says the same each time until it is told something else. What those bytes mean was found out when they came for the first
/// time, and whether the answer still holds is known by the one who gave it (``RepeatableAnswer``). Everything else goes on to the HTTP handlers.
final class RepeatedRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Known {
        let request: [UInt8]
        let answer: any RepeatableAnswer
        let bytes: [UInt8]
    }

    private let core: ServerCore
    private let isTLS: Bool
    private var boundary = RequestBoundary()
    private var known: Known?
    private var socket: DirectSocket?
    /// Nothing that was written waits in the channel.
    private var isClear = false
    /// Told of each request that was answered here.
    weak var connection: HTTPConnectionHandler?

    init(core: ServerCore, isTLS: Bool) {
        self.core = core
        self.isTLS = isTLS
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if !isTLS { socket = DirectSocket(of: context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { known = nil }

    func channelInactive(context: ChannelHandlerContext) {
        known = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if let known, boundary.isBetween, Self.isSame(buffer, known.request), !core.isDraining, isReady(context),
            known.answer.again()
        {
            connection?.repeated()
            return send(known.bytes, context)
        }
        buffer.withUnsafeReadableBytes { boundary.received($0) }
        context.fireChannelRead(data)
    }

    /// The HTTP handlers have answered a request, and the connection goes on.
    ///
    /// - Parameters:
    ///   - bodyLength: The request's; `nil`: it was not said in its head.
    ///   - answer: `nil`: whoever asks again is answered anew.
    ///   - bytes: The whole answer.
    func answered(bodyLength: Int?, _ answer: (any RepeatableAnswer)?, bytes: @autoclosure () -> [UInt8]) {
        isClear = false
        let request = boundary.answered(bodyLength: bodyLength)
        guard let request, let answer else {
            known = nil
            return
        }
        known = Known(request: request, answer: answer, bytes: bytes())
    }

    /// Whether the client takes the answers that it was sent.
    private func isReady(_ context: ChannelHandlerContext) -> Bool {
        if isClear { return true }
        isClear = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) == 0
        return isClear || context.channel.isWritable
    }

    private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        let sent = isClear ? socket?.send(bytes, of: context.channel) ?? 0 : 0
        guard sent < bytes.count else { return }
        isClear = false
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes[sent...])), promise: nil)
    }

    private static func isSame(_ buffer: ByteBuffer, _ request: [UInt8]) -> Bool {
        guard buffer.readableBytes == request.count else { return false }
        return buffer.withUnsafeReadableBytes { $0.elementsEqual(request) }
    }
}

@available(*, unavailable)
extension RepeatedRequestHandler: Sendable {}
