import DoorbellCore
import DoorbellTestSupport
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL

/// An HTTP/2 client over TLS that keeps what it gets.
final class HTTP2Probe: Sendable {
    let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer
    private let witness: Witness

    /// - Parameters:
    ///   - window: Bytes that the server may send on a stream before more are asked for.
    ///   - validates: `false`: sends what HTTP/2 forbids, too.
    static func open(_ port: Int, window: Int = 65_535, validates: Bool = true) async throws -> HTTP2Probe {
        let tls = try TestCertificate.client(["h2"])
        let witness = Witness()
        let (channel, multiplexer) = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    var connection = NIOHTTP2Handler.ConnectionConfiguration()
                    connection.initialSettings = [
                        HTTP2Setting(parameter: .initialWindowSize, value: window),
                        HTTP2Setting(parameter: .enablePush, value: 0),
                    ]
                    connection.headerBlockValidation = validates ? .enabled : .disabled
                    connection.contentLengthValidation = validates ? .enabled : .disabled
                    let frames = NIOHTTP2Handler(
                        mode: .client, eventLoop: channel.eventLoop, connectionConfiguration: connection
                    ) { $0.close() }
                    try channel.pipeline.syncOperations.addHandlers([
                        try NIOSSLClientHandler(context: tls, serverHostname: nil), frames, witness,
                    ])
                    return (channel, try frames.syncMultiplexer())
                }
            }
        return HTTP2Probe(channel: channel, multiplexer: multiplexer, witness: witness)
    }

    private init(channel: any Channel, multiplexer: NIOHTTP2Handler.StreamMultiplexer, witness: Witness) {
        self.channel = channel
        self.multiplexer = multiplexer
        self.witness = witness
    }

    var isGoingAway: Bool { witness.state.withLock { $0.isGoingAway } }
    var isClosed: Bool { witness.state.withLock { $0.isClosed } }
    var pings: Int { witness.state.withLock { $0.pings } }

    /// - Parameters:
    ///   - body: `nil`: none.
    ///   - isOpen: More of the body may follow.
    ///   - isStalled: Does not read the answer.
    func request(
        _ method: String = "GET", _ path: String, headers: [(String, String)] = [],
        authority: String? = "doorbell.test",
        body: String? = nil, isOpen: Bool = false, isStalled: Bool = false
    ) async throws -> Stream {
        let stream = Stream()
        let promise = channel.eventLoop.makePromise(of: (any Channel).self)
        multiplexer.createStreamChannel(promise: promise) { channel in
            channel.eventLoop.makeCompletedFuture {
                if isStalled { try channel.syncOptions?.setOption(.autoRead, value: false) }
                try channel.pipeline.syncOperations.addHandler(stream)
            }
        }
        let channel = try await promise.futureResult.get()
        stream.setChannel(channel)
        var block = HPACKHeaders([(":method", method), (":scheme", "https"), (":path", path)])
        if let authority { block.add(name: ":authority", value: authority) }
        for (name, value) in headers { block.add(name: name, value: value) }
        let payload = HTTP2Frame.FramePayload.headers(.init(headers: block, endStream: body == nil && !isOpen))
        try await channel.writeAndFlush(payload)
        if let body { try await stream.send(body, isOpen: isOpen) }
        return stream
    }

    private final class Witness: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTP2Frame
        let state = Locked((isGoingAway: false, isClosed: false, pings: 0))

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data).payload {
            case .goAway: state.withLock { $0.isGoingAway = true }
            case .ping(_, let ack) where !ack: state.withLock { $0.pings += 1 }
            default: break
            }
        }

        func channelInactive(context: ChannelHandlerContext) { state.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// One request and what came back.
    final class Stream: ChannelInboundHandler, Sendable {
        typealias InboundIn = HTTP2Frame.FramePayload

        private struct State {
            var channel: (any Channel)?
            var headers = HPACKHeaders()
            var body: [UInt8] = []
            var isEnded = false
            var isClosed = false
        }

        private let state = Locked(State())

        func setChannel(_ channel: any Channel) { state.withLock { $0.channel = channel } }

        var status: Int? { state.withLock { $0.headers.first(name: ":status").flatMap { Int($0) } } }
        var headers: HPACKHeaders { state.withLock { $0.headers } }
        var text: String { state.withLock { String(decoding: $0.body, as: UTF8.self) } }
        /// The server has said that the answer is whole.
        var isEnded: Bool { state.withLock { $0.isEnded } }
        var isClosed: Bool { state.withLock { $0.isClosed } }

        func send(_ text: String, isOpen: Bool) async throws {
            guard let channel = state.withLock({ $0.channel }) else { return }
            try await channel.writeAndFlush(
                HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(ByteBuffer(string: text)), endStream: !isOpen)))
        }

        func resume() async throws {
            let channel = state.withLock { $0.channel }
            try await channel?.setOption(.autoRead, value: true).get()
            channel?.read()
        }

        /// Resets the stream.
        func cancel() async { try? await state.withLock({ $0.channel })?.close() }

        func ended() async throws { try await wait(for: "the end of an answer") { isEnded } }

        func wait(for part: String) async throws { try await wait(for: "'\(part)'") { text.contains(part) } }

        private func wait(for what: String, until condition: () -> Bool) async throws {
            do {
                try await eventually(what) { condition() }
            } catch let error as RawClient.TimedOut {
                throw RawClient.TimedOut(
                    description: "\(error), closed: \(isClosed), got: \(headers) \(text.suffix(500))")
            }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let payload = unwrapInboundIn(data)
            state.withLock { state in
                switch payload {
                case .headers(let block):
                    state.headers = block.headers
                    if block.endStream { state.isEnded = true }
                case .data(let part):
                    if case .byteBuffer(let bytes) = part.data { state.body += bytes.readableBytesView }
                    if part.endStream { state.isEnded = true }
                default: break
                }
            }
        }

        func channelInactive(context: ChannelHandlerContext) { state.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
