import NIOCore
import NIOHTTP2

/// Ends an HTTP/2 connection whose peer broke the protocol or passed one of the library's bounds (RFC 9113, section 5.4.1).
///
/// The frame handler says GOAWAY and tells of the error, and leaves closing to others; meanwhile it keeps whatever the peer goes on to send.
/// An error that is a stream's own ends that stream only.
final class HTTP2ErrorHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        // Of streams, also such as have just ended here while the peer was still sending.
        case is NIOHTTP2Errors.StreamError, is NIOHTTP2Errors.NoSuchStream, is NIOHTTP2Errors.StreamClosed: return
        default: context.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension HTTP2ErrorHandler: Sendable {}
