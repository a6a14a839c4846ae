import DoorbellCore
import DoorbellTesting
import NIOCore
import NIOHTTP1
import NIOPosix

/// A legacy API over a database: the answer to a path is the first column of a query's first row.
final class LegacyDatabase: Sendable {
    private let channel: any Channel

    /// - Parameter queries: By path without its query.
    init(_ conninfo: String, queries: [String: String]) async throws {
        let connection = Locked(try ScratchConnection(conninfo))
        // One thread: a query blocks it.
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(connection, queries))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    deinit { channel.close(promise: nil) }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let connection: Locked<ScratchConnection>
        private let queries: [String: String]
        private var path = ""

        init(_ connection: Locked<ScratchConnection>, _ queries: [String: String]) {
            self.connection = connection
            self.queries = queries
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): path = String(head.uri.prefix { $0 != "?" })
            case .body: break
            case .end:
                let query = queries[path]
                let rows = query.flatMap { query in try? connection.withLock { try $0.run(query) } }
                let body = (rows?.first?.first ?? nil) ?? "{}"
                let status: HTTPResponseStatus = query == nil ? .notFound : rows == nil ? .internalServerError : .ok
                let headers: HTTPHeaders = [
                    "content-type": "application/json", "content-length": String(body.utf8.count),
                ]
                context.write(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
                    promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
