import NIOCore
import NIOHTTP1
import NIOPosix

/// The smallest legacy API: the same to every request.
struct LegacyStub {
    private let channel: any Channel
    let port: Int

    /// - Parameter headers: Besides the length.
    init(group: any EventLoopGroup, body: String = "{}", headers: HTTPHeaders = [:]) async throws {
        var headers = headers
        headers.add(name: "content-type", value: "application/json")
        headers.add(name: "content-length", value: String(body.utf8.count))
        let answer = (headers, ByteBuffer(string: body))
        self.channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Answer(headers: answer.0, body: answer.1))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = channel.localAddress?.port else { throw BenchFailure("the stub has no port") }
        self.port = port
    }

    func stop() { channel.close(promise: nil) }

    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let headers: HTTPHeaders
        private let body: ByteBuffer

        init(headers: HTTPHeaders, body: ByteBuffer) {
            self.headers = headers
            self.body = body
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            context.write(
                wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))), promise: nil
            )
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
