import DoorbellCore
import DoorbellWire
import NIOCore

/// Sends every message back. Reads, answers and closes as the server's own connections do, with nothing of Doorbell's
/// protocol above it, so that a test suite for WebSockets has something to talk to.
///
/// Lives on its event loop.
final class EchoConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case handshake
        case open
        /// Closed by both, or failed: what still comes is dropped until the peer's end.
        case ending
        case closed
    }

    /// How long the peer may take to close its side.
    private static let closeTimeout = TimeAmount.seconds(2)
    /// The longest request head, in bytes.
    private static let maximumHead = 16 << 10

    private var state = State.handshake
    private var head: [UInt8] = []
    private var parser: WebSocketFrameParser
    private let maximumMessageSize: Int
    private let deflater: MessageDeflater?
    /// What the handshake agreed to.
    private var compression: PerMessageDeflate?
    private var output: [UInt8] = []

    /// - Parameter deflater: Of the event loop; `nil`: nothing is compressed.
    init(maximumMessageSize: Int, deflater: MessageDeflater?) {
        self.maximumMessageSize = maximumMessageSize
        self.deflater = deflater
        parser = WebSocketFrameParser(role: .server, maximumMessageSize: maximumMessageSize)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(unwrapInboundIn(data).readableBytesView)
        switch state {
        case .handshake: shakeHands(bytes, context)
        case .open: received(bytes, context)
        case .ending, .closed: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { flush(context) }

    func channelInactive(context: ChannelHandlerContext) { state = .closed }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func shakeHands(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        head += bytes
        guard let request = HandshakeRequest(head) else {
            if head.count > Self.maximumHead { context.close(promise: nil) }
            return
        }
        head = []
        guard let answer = request.answer(compresses: deflater != nil) else { return context.close(promise: nil) }
        state = .open
        compression = answer.compression
        parser = WebSocketFrameParser(
            role: .server, maximumMessageSize: maximumMessageSize, allowsCompression: compression != nil)
        output += Array(answer.head.utf8)
        received(request.rest, context)
        flush(context)
    }

    private func received(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        parser.append(bytes)
        do throws(WebSocketError) {
            while state == .open, let event = try parser.next() { received(event, context) }
        } catch {
            output += WebSocketFrame.close(error.code)
            end(context)
        }
    }

    private func received(_ event: WebSocketFrameParser.Event, _ context: ChannelHandlerContext) {
        switch event {
        case .text(let bytes): output += textFrame(bytes)
        case .binary(let bytes): output += WebSocketFrame.encode(.binary, bytes)
        case .ping(let payload): output += WebSocketFrame.encode(.pong, payload)
        case .pong: break
        case .close(let code, _):
            output += WebSocketFrame.close(CloseCode(number: code ?? 1000, reason: ""))
            end(context)
        }
    }

    /// Compressed in the way of the server's messages; binary ones it does not have, and they go back as they are.
    private func textFrame(_ bytes: [UInt8]) -> [UInt8] {
        let frame = WebSocketFrame.encode(.text, bytes)
        guard let deflater, let compression else { return frame }
        let message = EncodedMessage(frame: frame, payloadOffset: frame.count - bytes.count)
        return deflater.frame(of: message, for: compression)
    }

    /// Closes our side once all is written. Not both: with bytes left unread the system would take back what was written.
    private func end(_ context: ChannelHandlerContext) {
        state = .ending
        flush(context)
        context.close(mode: .output, promise: nil)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.closeTimeout) { bound.value.close(promise: nil) }
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard !output.isEmpty else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: output)), promise: nil)
        output = []
    }
}
