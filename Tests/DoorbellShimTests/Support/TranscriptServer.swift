import DoorbellCore
import NIOCore
import NIOPosix

/// A legacy API that reads as strictly as can be, and answers with bytes that a test makes up.
final class TranscriptServer: Sendable {
    struct Seen {
        var requests: [StrictRequest] = []
        /// What was not a request.
        var faults: [String] = []
        var connections = 0
    }

    static let fine = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine"

    private let channel: any Channel
    private let state: Locked<Seen>

    /// - Parameters:
    ///   - pace: How long a NUL in an answer is a pause; `nil`: it is a byte.
    ///   - answer: To the first request, to the second, and so on.
    init(pace: TimeAmount? = nil, answer: @escaping @Sendable (Int) -> String = { _ in fine }) async throws {
        let state = Locked(Seen())
        self.state = state
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(Reader(state: state, pace: pace, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var seen: Seen { state.withLock { $0 } }
    func stop() async { try? await channel.close() }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let state: Locked<Seen>
        private let pace: TimeAmount?
        private let answer: @Sendable (Int) -> String
        private var bytes: [UInt8] = []

        init(state: Locked<Seen>, pace: TimeAmount?, answer: @escaping @Sendable (Int) -> String) {
            self.state = state
            self.pace = pace
            self.answer = answer
        }

        func channelActive(context: ChannelHandlerContext) { state.withLock { $0.connections += 1 } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes += unwrapInboundIn(data).readableBytesView
            do {
                while let request = try StrictRequest.take(from: &bytes) {
                    let index = state.withLock { seen in
                        seen.requests.append(request)
                        return seen.requests.count - 1
                    }
                    send(ByteBuffer(string: answer(index)), context)
                }
            } catch {
                state.withLock { $0.faults.append(error.description) }
                context.close(promise: nil)
            }
        }

        private func send(_ answer: ByteBuffer, _ context: ChannelHandlerContext) {
            guard let pace else { return context.writeAndFlush(wrapOutboundOut(answer), promise: nil) }
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            for (index, part) in String(buffer: answer).split(separator: "\0").enumerated() {
                context.eventLoop.scheduleTask(in: pace * index) {
                    bound.value.writeAndFlush(NIOAny(ByteBuffer(string: String(part))), promise: nil)
                }
            }
        }
    }
}
