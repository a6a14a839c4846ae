import DoorbellCore
import DoorbellHub
import DoorbellWire
import NIOCore
import NIOHTTP1

/// One WebSocket after its handshake: frames in, a ``PushStream`` decides, frames out. Lives on its event loop.
///
/// Backpressure is real in both directions: while a client that does not read has filled half of its send budget nothing is read from
/// it either, so that it cannot make the server queue answers.
final class WebSocketConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long the peer may take to answer a close frame.
    private static let closeTimeout = TimeAmount.seconds(2)
    /// Bytes of a client's control frame besides its payload.
    private static let controlFrame = 6

    private let core: ServerCore
    /// `nil` between messages, so that an idle connection does not hold one.
    private var parser: HeldParser?
    /// `nil` without an access log.
    private let access: OpenAccess?
    private var context: ChannelHandlerContext?
    /// `nil` before ``open(with:loopState:origin:visitor:)`` and once the channel is gone.
    private var stream: PushStream?
    // The smallest last, because padding is memory that every connection takes.
    /// `nil` with TLS.
    private var socket: DirectSocket?
    private let compression: PerMessageDeflate?
    private var isReadHeld = false
    private var isWorking = false
    /// The peer has said goodbye: what we owe it is the answer, and then the end.
    private var isPeerDone = false
    /// The peer broke the protocol: nothing that it sends is understood any more, so no close frame can come from it.
    private var isBroken = false

    /// - Parameters:
    ///   - compression: What the handshake agreed on.
    ///   - access: The handshake's; ended with the connection.
    init(core: ServerCore, compression: PerMessageDeflate? = nil, access: OpenAccess? = nil) {
        self.core = core
        self.compression = compression
        self.access = access
    }

    /// The handshake's answer is on its way: begins the session with `actions`.
    ///
    /// - Parameter costs: Bytes of the handshake.
    func open(
        with actions: (inout Session) -> [Session.Action], costs: (up: Int, down: Int), loopState: LoopState,
        origin: RequestOrigin,
        visitor: Visitor
    ) {
        guard let context, stream == nil, context.channel.isActive else { return }
        let stream = PushStream(
            loopState: loopState, origin: origin, visitor: visitor, channel: context.channel, carrier: self)
        self.stream = stream
        loopState.becameWebSocket(context.channel)
        if !origin.isTLS { socket = DirectSocket(of: context) }
        stream.costs = costs
        stream.open(with: actions, bytesUp: 0)
    }

    // MARK: Pipeline

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func ended() {
        context = nil
        access?.end()
        let stream = stream
        self.stream = nil
        stream?.ended()
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard let stream, stream.state != .closed, !isBroken else { return }
        stream.perform(isFlushed: false) { session in
            session.heard(now: PushStream.seconds())
            return []
        }
        let parser =
            parser
            ?? HeldParser(
                WebSocketFrameParser(
                    role: .server, maximumMessageSize: core.configuration.maximumMessageSize,
                    allowsCompression: compression != nil))
        self.parser = parser
        buffer.withUnsafeReadableBytes { parser.frames.append($0) }
        work()
    }

    /// Works off what was read, as long as the client takes the answers: a few bytes can ask for a whole history.
    private func work() {
        // Writing within it can make the socket writable again, which comes back here.
        guard !isWorking else { return }
        isWorking = true
        defer { isWorking = false }
        do throws(WebSocketError) {
            while let stream, stream.state != .closed {
                if stream.state == .open {
                    if stream.queuedBytes >= core.configuration.sendBudget / 2 { stream.flush() }
                    // Goes on in `channelWritabilityChanged`; meanwhile nothing is read.
                    if context?.channel.isWritable != true { return }
                }
                guard let parser else { return }
                guard let event = try parser.frames.next() else {
                    if !parser.frames.isInsideMessage { self.parser = nil }
                    return
                }
                received(event, stream)
            }
        } catch {
            isBroken = true
            stream?.perform { $0.close(error.code) }
        }
    }

    /// Writes what came of the last read.
    func flush() { stream?.flush() }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if context.channel.isWritable { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stream?.becameWritable()
            work()
            flush()
            if isReadHeld {
                isReadHeld = false
                context.read()
            }
        }
        context.fireChannelWritabilityChanged()
    }

    private func received(_ event: WebSocketFrameParser.Event, _ stream: PushStream) {
        guard stream.state == .open else {
            if case .close = event { context?.close(promise: nil) }
            return
        }
        let now = PushStream.seconds()
        switch event {
        case .text(let bytes):
            let head = core.hub.head
            do throws(WireError) {
                let message = try ClientMessageDecoder.decode(bytes)
                let frameBytes = bytes.count + (bytes.count < 126 ? 6 : 8)
                stream.perform(bytesUp: frameBytes, isFlushed: false) { $0.received(message, position: head, now: now) }
            } catch {
                stream.perform(isFlushed: false) { $0.received(error, now: now) }
            }
        case .binary: stream.perform { $0.close(.unsupportedData) }
        case .ping(let payload):
            var isRefused = false
            stream.perform(isFlushed: false) { session in
                let refusal = session.pinged(now: now)
                isRefused = !refusal.isEmpty
                return refusal
            }
            stream.costs.up += payload.count + Self.controlFrame
            if !isRefused { stream.appendCost(WebSocketFrame.encode(.pong, payload)) }
        case .pong(let payload): stream.costs.up += payload.count + Self.controlFrame
        case .close(let code, _):
            stream.perform(isFlushed: false) { $0.peerClosed() }
            stream.append(WebSocketFrame.close(CloseCode(number: code ?? 1000, reason: "")))
            isPeerDone = true
            stream.beginClosing()
        }
    }
}

extension WebSocketConnection: PushCarrier {
    var transport: PushTransport { .webSocket }
    var marksPositions: Bool { false }
    func beat() -> [UInt8] { WebSocketFrame.encode(.ping, []) }

    func encoded(_ message: EncodedMessage, position: Position?) -> [UInt8] {
        guard let compression, let deflater = stream?.loopState.deflater else { return message.frame }
        return deflater.frame(of: message, for: compression)
    }

    func encoded(_ run: MessageRun, isPositioned: Bool) -> [UInt8] {
        guard let compression, let deflater = stream?.loopState.deflater else {
            return run.bytes(as: .frame) { $0.frame }
        }
        return run.bytes(as: compression.form) { deflater.frame(of: $0, for: compression) }
    }

    func farewell(_ code: CloseCode) -> [UInt8] { WebSocketFrame.close(code) }

    func send(_ bytes: [UInt8]) -> Int {
        guard let socket, let channel = stream?.channel else { return 0 }
        let count = socket.send(bytes, of: channel)
        access?.sent(count)
        return count
    }

    var unsentBytes: Int { (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 }

    func write(_ buffer: ByteBuffer) {
        access?.sent(buffer.readableBytes)
        context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func close() {
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        if isPeerDone {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close(promise: nil) }
        } else if isBroken {
            // RFC 6455, section 7.1.7. Only our side at first: with input unread a whole close would be a reset, and the close frame lost.
            context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
                bound.value.close(mode: .output, promise: nil)
            }
        }
        // A client that neither reads nor answers is not waited for.
        context.eventLoop.scheduleTask(in: Self.closeTimeout) { bound.value.close(promise: nil) }
    }
}

@available(*, unavailable)
extension WebSocketConnection: Sendable {}
