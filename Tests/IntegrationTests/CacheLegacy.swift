import DoorbellCore
import DoorbellTesting
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// A legacy API that keeps numbers in PostgreSQL: `GET /cells/{id}` reads one, `POST /cells/{id}` adds 1 to it. It takes its time at odd moments,
/// so that answers are older than they look.
final class CacheLegacy: Sendable {
    private let channel: any Channel
    private let asked = Tally()

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    /// Requests so far.
    var requests: Int { asked.total }

    init(_ conninfo: String) async throws {
        let pool = Pool(conninfo)
        let asked = asked
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(pool: pool, asked: asked))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    deinit { channel.close(promise: nil) }

    /// Connections that nobody uses at the moment.
    private final class Pool: Sendable {
        private struct Free: @unchecked Sendable {
            // Each is taken out before it is used, so one thread has it at a time.
            var connections: [ScratchConnection] = []
        }

        private let conninfo: String
        private let free = Locked(Free())
        private let queue = DispatchQueue(label: "legacy", attributes: .concurrent)

        init(_ conninfo: String) { self.conninfo = conninfo }

        /// - Parameter done: Called on another thread: with the number, or `nil` when the database failed.
        func run(_ sql: String, thenWait pause: UInt32, _ done: @escaping @Sendable (String?) -> Void) {
            queue.async { [self] in
                do {
                    let given = free.withLock { Free(connections: [$0.connections.popLast()].compactMap(\.self)) }
                    let connection = try given.connections.first ?? ScratchConnection(conninfo)
                    let rows = try connection.run(sql)
                    if pause > 0 { usleep(pause) }
                    let back = Free(connections: [connection])
                    free.withLock { $0.connections += back.connections }
                    done(rows.first?.first ?? nil)
                } catch {
                    done(nil)
                }
            }
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let pool: Pool
        private let asked: Tally
        private var head: HTTPRequestHead?

        init(pool: Pool, asked: Tally) {
            self.pool = pool
            self.asked = asked
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body: break
            case .end:
                guard let head else { return }
                asked.add()
                let id = head.uri.split(separator: "/").last.flatMap { Int($0) } ?? 0
                let sql =
                    head.method == .POST
                    ? "update cells set v = v + 1 where id = \(id) returning v" : "select v from cells where id = \(id)"
                let pause: UInt32 = Int.random(in: 0..<5) == 0 ? .random(in: 0..<40_000) : 0
                let loop = context.eventLoop
                let bound = NIOLoopBound((self, context), eventLoop: loop)
                pool.run(sql, thenWait: pause) { number in
                    loop.execute {
                        let (handler, context) = bound.value
                        handler.answer(number, head, context)
                    }
                }
            }
        }

        private func answer(_ number: String?, _ request: HTTPRequestHead, _ context: ChannelHandlerContext) {
            let text = number ?? ""
            let head = HTTPResponseHead(
                version: .http1_1, status: number == nil ? .internalServerError : .ok,
                headers: ["content-type": "application/json", "content-length": "\(text.utf8.count)"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            if request.method != .HEAD {
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
