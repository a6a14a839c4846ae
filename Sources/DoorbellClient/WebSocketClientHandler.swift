import DoorbellCore
import DoorbellWire
import NIOCore

/// Speaks WebSocket on an upgraded connection: frames in, messages out to one receiver; answers pings and closes; stops
/// reading while the receiver does not keep up. Lives on its event loop.
final class WebSocketClientHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Sent down the pipeline by ``DoorbellConnection``.
    enum Command: Sendable {
        /// The receiver wants more messages.
        case resume
        case close(CloseCode)
        /// End the connection when nothing arrives for twice this long; ping after once.
        case watch(heartbeat: TimeAmount)
    }

    private enum State {
        case open
        /// Our close frame is out; whether theirs has come does not matter to what we may send.
        case closing
        case closed
    }

    private let receive: (_ message: [UInt8]) -> Demand
    private let ended: (ConnectionEnd) -> Void
    private let closeTimeout: TimeAmount
    private var parser: WebSocketFrameParser
    private var random = SystemRandomNumberGenerator()
    private var state = State.open
    /// Why the connection ends, once that is known.
    private var end: ConnectionEnd?
    private var isPaused = false
    private var isReadWanted = false
    /// The newest ping not answered. One is enough (RFC 6455, section 5.5.3), so that a flood of pings costs no memory.
    private var pong: [UInt8]?
    private var closeTimer: Scheduled<Void>?
    private var watch: RepeatedTask?
    private var lastHeard = NIODeadline.now()
    /// When our ping went out that nothing has followed yet.
    private var askedAt: NIODeadline?

    /// What the receiver says about the next message.
    enum Demand { case more, pause }

    init(
        maximumMessageSize: Int, closeTimeout: TimeAmount, receive: @escaping (_ message: [UInt8]) -> Demand,
        ended: @escaping (ConnectionEnd) -> Void
    ) {
        self.parser = WebSocketFrameParser(role: .client, maximumMessageSize: maximumMessageSize)
        self.closeTimeout = closeTimeout
        self.receive = receive
        self.ended = ended
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastHeard = .now()
        askedAt = nil
        unwrapInboundIn(data).withUnsafeReadableBytes { parser.append($0) }
        drain(context)
    }

    func read(context: ChannelHandlerContext) {
        if isPaused { isReadWanted = true } else { context.read() }
    }

    private func drain(_ context: ChannelHandlerContext) {
        while !isPaused || state != .open {
            do {
                guard let event = try parser.next() else { break }
                handle(event, context)
            } catch {
                guard state == .open else { return }
                close(ConnectionEnd(cause: .violation, code: error.code), context)
                // Closing at once, with bytes unread, would reset the connection and lose our close frame.
                return finish(context, after: .seconds(1))
            }
        }
        answerPing(context)
    }

    private func handle(_ event: WebSocketFrameParser.Event, _ context: ChannelHandlerContext) {
        switch event {
        case .text(let message), .binary(let message):
            if state == .open, receive(message) == .pause { isPaused = true }
        case .ping(let payload): pong = payload
        case .pong: break
        case .close(let number, let reason):
            let code = CloseCode(number: number ?? 1005, reason: reason)
            close(ConnectionEnd(cause: .server, code: code), context)
            // The server closes the socket (section 7.1.1); one that does not is not waited for long.
            finish(context, after: .seconds(1))
        }
    }

    private func answerPing(_ context: ChannelHandlerContext) {
        guard let payload = pong, context.channel.isWritable, state == .open else { return }
        pong = nil
        write(.pong, payload, context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        answerPing(context)
        context.fireChannelWritabilityChanged()
    }

    // MARK: Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard state == .open else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        context.write(data, promise: promise)
    }

    private func write(_ opcode: WebSocketFrame.Opcode, _ payload: [UInt8], _ context: ChannelHandlerContext) {
        let frame = WebSocketFrame.encode(opcode, payload, mask: random.next())
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: frame)), promise: nil)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let command = event as? Command else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        switch command {
        case .resume:
            (lastHeard, askedAt) = (.now(), nil)
            resume(context)
        case .close(let code):
            guard state == .open else { break }
            close(ConnectionEnd(cause: .client, code: code), context)
            finish(context, after: closeTimeout)
            // The server's close frame stands behind messages that nobody wants any more.
            resume(context)
        case .watch(let heartbeat): watch(heartbeat, context)
        }
        promise?.succeed()
    }

    private func resume(_ context: ChannelHandlerContext) {
        isPaused = false
        drain(context)
        guard !isPaused, isReadWanted else { return }
        isReadWanted = false
        context.read()
    }

    // MARK: Ending

    /// Sends our close frame, once. The first reason stays.
    private func close(_ end: ConnectionEnd, _ context: ChannelHandlerContext) {
        guard state == .open else { return }
        state = .closing
        self.end = end
        if end.code.number == 1005 { return write(.close, [], context) }
        // The server hears its own code, without the reason.
        let code = end.cause == .server ? CloseCode(number: end.code.number, reason: "") : end.code
        let frame = WebSocketFrame.close(code, mask: random.next())
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: frame)), promise: nil)
    }

    private func finish(_ context: ChannelHandlerContext, after wait: TimeAmount) {
        closeTimer?.cancel()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        closeTimer = context.eventLoop.scheduleTask(in: wait) { bound.value.close(promise: nil) }
    }

    private func watch(_ heartbeat: TimeAmount, _ context: ChannelHandlerContext) {
        watch?.cancel()
        watch = nil
        guard heartbeat > .zero, state == .open else { return }
        lastHeard = .now()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let interval = TimeAmount.nanoseconds(max(1, heartbeat.nanoseconds / 2))
        watch = context.eventLoop.scheduleRepeatedTask(initialDelay: heartbeat, delay: interval) { _ in
            let (handler, context) = bound.value
            handler.check(heartbeat, interval, context)
        }
    }

    private func check(_ heartbeat: TimeAmount, _ patience: TimeAmount, _ context: ChannelHandlerContext) {
        // While we do not read, silence is our own.
        guard state == .open, !isPaused else { return }
        let now = NIODeadline.now()
        let silence = now - lastHeard
        guard silence >= heartbeat else { return }
        guard let askedAt else {
            askedAt = now
            return write(.ping, [], context)
        }
        // Both: a loop that was late itself gives the server its time.
        guard silence >= heartbeat + heartbeat, now - askedAt >= patience else { return }
        end = .lost("nothing arrived for \(silence.nanoseconds / 1_000_000_000) s")
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if end == nil { end = .lost("\(error)") }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        // What was read and not yet taken is delivered, and may hold the server's reason.
        isPaused = false
        while state == .open, let event = try? parser.next() {
            switch event {
            case .text(let message), .binary(let message): _ = receive(message)
            case .close(let number, let reason):
                end = ConnectionEnd(cause: .server, code: CloseCode(number: number ?? 1005, reason: reason))
            case .ping, .pong: break
            }
        }
        over()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { over() }

    private func over() {
        guard state != .closed else { return }
        state = .closed
        closeTimer?.cancel()
        watch?.cancel()
        watch = nil
        ended(end ?? .lost("the connection was lost"))
    }
}
