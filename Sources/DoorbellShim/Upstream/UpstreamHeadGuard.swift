import NIOCore
import NIOHTTP1

/// Ends an upstream connection on an answer with a status below 100, which is none (RFC 9110, section 15): the HTTP client takes it for an
/// informational one, and traps on what follows.
final class UpstreamHeadGuard: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    struct NoStatus: Error, CustomStringConvertible {
        let code: UInt
        var description: String { "the legacy API answered with status \(code)" }
    }

    private var isOver = false

    /// Behind what reads HTTP/1.1 and in front of the client's own handler.
    static func add(to channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            try pipeline.addHandler(UpstreamHeadGuard(), position: .after(decoder))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        if case .head(let head) = unwrapInboundIn(data), head.status.code < 100 {
            isOver = true
            context.fireErrorCaught(NoStatus(code: head.status.code))
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }
}
