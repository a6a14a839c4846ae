import NIOCore
import NIOHPACK
import NIOHTTP2

/// The bytes of one HTTP/2 stream on their way in and out. Lives on its event loop.
///
/// *In:* a request is made such that it says the same in HTTP/1.1. *Out:* counts what the peer's flow control and the kernel have not
/// taken, because the stream's channel cannot be asked.
final class HTTP2StreamHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    /// Bytes of answers that were written and not taken.
    private(set) var unsentBytes = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .headers(var block) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        block.headers = Self.translated(block.headers)
        context.fireChannelRead(wrapInboundOut(.headers(block)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .data(let part) = unwrapOutboundIn(data), part.data.readableBytes > 0 else {
            return context.write(data, promise: promise)
        }
        let count = part.data.readableBytes
        unsentBytes += count
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in bound.value.unsentBytes -= count }
        context.write(data, promise: written)
    }

    /// `:authority` is the host, whatever a `host` field says (RFC 9113, section 8.3.1), and without it that field is; the crumbs of a
    /// cookie make one field (section 8.2.3).
    static func translated(_ headers: HPACKHeaders) -> HPACKHeaders {
        let cookies = headers["cookie"]
        let isSplit = cookies.count > 1
        let host = headers.first(name: "host")
        guard isSplit || host != nil else { return headers }
        var headers = headers
        if let host {
            if headers.contains(name: ":authority") {
                headers.remove(name: "host")
            } else if headers.contains(name: ":method") {
                headers.add(name: ":authority", value: host)
            }
        }
        if isSplit {
            headers.remove(name: "cookie")
            headers.add(name: "cookie", value: cookies.joined(separator: "; "))
        }
        return headers
    }
}

@available(*, unavailable)
extension HTTP2StreamHandler: Sendable {}
