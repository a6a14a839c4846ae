import DoorbellCore
import DoorbellWire
import NIOCore
import NIOPosix

/// A server on 127.0.0.1 that does with each connection what a script says, byte for byte.
final class ScriptedServer: Sendable {
    typealias Script = @Sendable (_ number: Int, _ peer: inout Peer) async throws -> Void

    let port: Int

    private init(port: Int) { self.port = port }

    var url: String { "ws://127.0.0.1:\(port)/_doorbell/ws" }

    /// Serves while `body` runs. `script` gets the number of the connection, from 0; when it returns or throws the connection
    /// is closed.
    static func run(
        _ script: @escaping Script, while body: @Sendable (_ server: ScriptedServer) async throws -> Void
    ) async throws {
        let running = Locked<[(channel: any Channel, task: Task<Void, Never>)]>([])
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (input, continuation) = AsyncStream.makeStream(of: [UInt8].self)
                    try channel.pipeline.syncOperations.addHandler(Inbound(continuation))
                    running.withLock { running in
                        let number = running.count
                        let task = Task {
                            var peer = Peer(input: input.makeAsyncIterator(), channel: channel)
                            try? await script(number, &peer)
                            try? await channel.close().get()
                        }
                        running.append((channel, task))
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result<Void, any Error>
        do {
            try await body(ScriptedServer(port: listener.localAddress?.port ?? 0))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try? await listener.close().get()
        for (channel, task) in running.withLock({ $0 }) {
            // A script that waits for its client ends with it; one that only talks ends by its writes' failing.
            channel.close(promise: nil)
            await task.value
        }
        try result.get()
    }

    private final class Inbound: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let continuation: AsyncStream<[UInt8]>.Continuation

        init(_ continuation: AsyncStream<[UInt8]>.Continuation) { self.continuation = continuation }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
        }

        // Not in `channelInactive`, which does not come to a channel that was closed before it was active.
        func handlerRemoved(context: ChannelHandlerContext) { continuation.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// The script's end of one connection.
    struct Peer {
        private var input: AsyncStream<[UInt8]>.Iterator
        private let channel: any Channel
        private var parser = WebSocketFrameParser(role: .server, maximumMessageSize: 1 << 20)
        private var rest: [UInt8] = []

        struct EndOfInput: Error {}

        init(input: AsyncStream<[UInt8]>.Iterator, channel: any Channel) {
            self.input = input
            self.channel = channel
        }

        private mutating func more() async throws -> [UInt8] {
            guard let bytes = await input.next() else { throw EndOfInput() }
            return bytes
        }

        /// The lines of the request, without the empty one at the end.
        mutating func request() async throws -> [String] {
            while true {
                let text = String(decoding: rest, as: UTF8.self)
                if text.contains("\r\n\r\n") {
                    rest = []
                    return text.split(separator: "\r\n").map(String.init)
                }
                rest += try await more()
            }
        }

        /// Returns when the kernel has taken the bytes.
        func write(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
        func write(_ text: String) async throws { try await write(Array(text.utf8)) }
        func send(_ text: String) async throws { try await write(WebSocketFrame.encode(.text, Array(text.utf8))) }

        /// Reads the request and answers with a right 101.
        ///
        /// - Parameter after: Bytes that go out in the same write.
        @discardableResult
        mutating func accept(headers: [String] = [], after: [UInt8] = []) async throws -> [String] {
            let request = try await request()
            try await write(Array(Self.answer(request, headers).utf8) + after)
            return request
        }

        static func answer(_ request: [String], _ headers: [String] = []) -> String {
            let key = request.first { $0.hasPrefix("Sec-WebSocket-Key: ") }?.dropFirst(19) ?? ""
            let lines =
                [
                    "HTTP/1.1 101 Switching Protocols", "upgrade: WebSocket", "connection: keep-alive, upgrade",
                    "sec-websocket-accept: \(WebSocketHandshake.accept(key: String(key)))",
                ] + headers
            return lines.joined(separator: "\r\n") + "\r\n\r\n"
        }

        /// The next frame's event; the client's masking and everything else is checked on the way.
        mutating func next() async throws -> WebSocketFrameParser.Event {
            while true {
                if let event = try parser.next() { return event }
                parser.append(try await more())
            }
        }

        mutating func text() async throws -> String {
            while true {
                if case .text(let text) = try await next() { return String(decoding: text, as: UTF8.self) }
            }
        }

        /// Waits until the client has gone; answers its close.
        mutating func untilGone() async {
            while let event = try? await next() {
                if case .close = event { try? await write(WebSocketFrame.encode(.close, [])) }
            }
            await ignore()
        }

        /// Waits until the client has gone and answers nothing.
        mutating func ignore() async { while (try? await more()) != nil {} }
    }
}
