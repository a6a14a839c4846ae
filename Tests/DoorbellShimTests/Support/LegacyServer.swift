import DoorbellCore
import NIOCore
import NIOHTTP1
import NIOPosix

/// A legacy API on a real socket that does what its script says.
final class LegacyServer: Sendable {
    /// A whole request.
    struct Request: Sendable {
        var head: HTTPRequestHead
        var bodySize: Int
        /// Of all body bytes, to see that none is lost or turned around. Good within this process.
        var digest = Hasher()
    }

    enum Answer: Sendable {
        case reply(HTTPResponseStatus, HTTPHeaders = [:], String = "")
        /// The same after so many milliseconds.
        case later(Int64, HTTPResponseStatus, HTTPHeaders = [:], String = "")
        /// So many bytes, chunked, as fast as they are taken.
        case stream(Int)
        /// A head that promises `length` bytes, a few of them, and the end of the connection.
        case breakOff(length: Int)
        case close
        case silence
    }

    private struct State {
        var requests: [Request] = []
        var produced = 0
        var connections = 0
        var abandoned = 0
    }

    private let state = Locked(State())
    private let channel: any Channel

    var requests: [Request] { state.withLock { $0.requests } }
    /// Bytes of streamed answers that were written.
    var produced: Int { state.withLock { $0.produced } }
    /// Connections that were opened.
    var connections: Int { state.withLock { $0.connections } }
    /// Connections that ended while an answer was due.
    var abandoned: Int { state.withLock { $0.abandoned } }
    var port: Int { channel.localAddress?.port ?? 0 }

    /// - Parameters:
    ///   - atHead: Answers before the body is read; `nil` where the whole request is awaited.
    ///   - atEnd: Answers a whole request.
    init(
        atHead: @escaping @Sendable (HTTPRequestHead) -> Answer? = { _ in nil },
        atEnd: @escaping @Sendable (Request) -> Answer
    ) async throws {
        let box = Box()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(server: box, atHead: atHead, atEnd: atEnd))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        box.server.withLock { $0 = self }
    }

    func stop() async { try? await channel.close() }

    private final class Box: Sendable {
        let server = Locked<LegacyServer?>(nil)
        func note(_ change: (inout State) -> Void) {
            server.withLock { $0 }?.state.withLock { change(&$0) }
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let server: Box
        private let atHead: @Sendable (HTTPRequestHead) -> Answer?
        private let atEnd: @Sendable (Request) -> Answer
        private var request: Request?
        private var isAnswered = false
        private var isDue = false
        private var left = 0

        init(
            server: Box, atHead: @escaping @Sendable (HTTPRequestHead) -> Answer?,
            atEnd: @escaping @Sendable (Request) -> Answer
        ) {
            self.server = server
            self.atHead = atHead
            self.atEnd = atEnd
        }

        func channelActive(context: ChannelHandlerContext) { server.note { $0.connections += 1 } }

        func channelInactive(context: ChannelHandlerContext) {
            if isDue { server.note { $0.abandoned += 1 } }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                request = Request(head: head, bodySize: 0)
                (isAnswered, isDue) = (false, true)
                if let early = atHead(head) {
                    isAnswered = true
                    answer(early, context)
                }
            case .body(let part):
                request?.bodySize += part.readableBytes
                part.withUnsafeReadableBytes { bytes in request?.digest.combine(bytes: bytes) }
            case .end:
                guard let request else { return }
                server.note { $0.requests.append(request) }
                if !isAnswered { answer(atEnd(request), context) }
            }
        }

        func channelWritabilityChanged(context: ChannelHandlerContext) { produce(context) }

        private func answer(_ answer: Answer, _ context: ChannelHandlerContext) {
            switch answer {
            case .reply(let status, let headers, let text):
                var headers = headers
                let hasBody = status != .noContent && status != .notModified
                if hasBody, !headers.contains(name: "transfer-encoding"), !headers.contains(name: "content-length") {
                    headers.add(name: "content-length", value: String(text.utf8.count))
                }
                context.write(
                    wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
                    promise: nil)
                if hasBody, !text.isEmpty, request?.head.method != .HEAD {
                    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
                }
                isDue = false
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .later(let milliseconds, let status, let headers, let text):
                let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
                context.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) {
                    let (handler, context) = bound.value
                    handler.answer(.reply(status, headers, text), context)
                }
            case .stream(let count):
                left = count
                context.write(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok))), promise: nil)
                produce(context)
            case .breakOff(let length):
                let head = HTTPResponseHead(
                    version: .http1_1, status: .ok, headers: ["content-length": String(length)])
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
                context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "broken")))))
                    .whenComplete { _ in bound.value.close(promise: nil) }
            case .close: context.close(promise: nil)
            case .silence: break
            }
        }

        private func produce(_ context: ChannelHandlerContext) {
            while left > 0, context.channel.isWritable {
                let size = min(left, 32 << 10)
                left -= size
                server.note { $0.produced += size }
                context.writeAndFlush(
                    wrapOutboundOut(.body(.byteBuffer(ByteBuffer(repeating: 0x61, count: size)))), promise: nil)
                if left == 0 {
                    isDue = false
                    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
                }
            }
        }
    }
}
