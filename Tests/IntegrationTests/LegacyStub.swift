import NIOCore
import NIOHTTP1
import NIOPosix

/// A legacy API that answers every request with 200 and `{}`, but 403 under `/forbidden`.
final class LegacyStub: Sendable {
    private let channel: any Channel

    init() async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    deinit { channel.close(promise: nil) }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private var uri = ""
        private var method = HTTPMethod.GET

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (uri, method) = (head.uri, head.method)
            case .body: break
            case .end:
                let status: HTTPResponseStatus = uri.hasPrefix("/forbidden") ? .forbidden : .ok
                let headers: HTTPHeaders = ["content-type": "application/json", "content-length": "2"]
                context.write(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
                    promise: nil)
                if method != .HEAD {
                    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "{}")))), promise: nil)
                }
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
