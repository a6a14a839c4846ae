import NIOCore

/// Tells a client that speaks plain HTTP to a TLS port so, in words that it understands, instead of a TLS alert.
///
/// Stands before TLS and looks at the first byte: of TLS it is 22, a handshake record (RFC 8446, section 5.1), and never a letter.
final class PlainRequestGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let answer =
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 36\r\nconnection: close\r\n\r\n"
        + "This port speaks TLS: use https://.\n"

    private var isPlain = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isPlain else { return }
        guard let first = unwrapInboundIn(data).readableBytesView.first else { return }
        isPlain = (0x41...0x5A).contains(first & 0xDF)
        guard isPlain else {
            context.fireChannelRead(data)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
            return
        }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension PlainRequestGuard: Sendable {}
