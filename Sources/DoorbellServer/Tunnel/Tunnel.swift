import CoreMetrics
import DoorbellCore
import NIOCore

/// A WebSocket of the legacy API that passes through: bytes in both directions as they come. Lives on its event loop.
///
/// Backpressure goes both ways: nothing is read from one end while the other takes nothing. An end that says it sends nothing more is
/// passed on, too. It ends when either end is gone, when nothing has passed for ``ServerConfiguration/tunnelIdleTimeout``, when somebody
/// takes nothing for ``ServerConfiguration/stallTimeout``, and on a drain.
final class Tunnel {
    let client = TunnelEnd()
    let legacy = TunnelEnd()
    private let core: ServerCore
    /// `nil` without an access log.
    private let access: OpenAccess?
    private var timer: Scheduled<Void>?
    private var lastActivity = NIODeadline.now()
    private var isOver = false

    init(core: ServerCore, access: OpenAccess?) {
        self.core = core
        self.access = access
        (client.tunnel, legacy.tunnel) = (self, self)
        (client.other, legacy.other) = (legacy, client)
    }

    func open(on loop: any EventLoop) {
        core.metrics.tunnelConnections.increment()
        armTimer(on: loop)
    }

    fileprivate func passed(_ bytes: Int, to end: TunnelEnd) {
        lastActivity = .now()
        if end === client { access?.sent(bytes) }
    }

    fileprivate func noteActivity() { lastActivity = .now() }

    /// Either end is gone.
    func ended() {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        timer = nil
        core.metrics.tunnelConnections.decrement()
        core.closeTunnel()
        access?.end()
        let time = TimeAmount.nanoseconds(Int64(core.configuration.stallTimeout.seconds * 1e9))
        client.close(within: time)
        legacy.close(within: time)
        for end in [client, legacy] { (end.tunnel, end.other) = (nil, nil) }
    }

    /// Nothing can be said within a protocol that is not ours, so the clients are only parted in time.
    fileprivate func drain(on loop: any EventLoop) {
        let spread = Int64(core.configuration.reconnectSpread.seconds * 1000)
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(.random(in: 0...max(0, spread)))) { bound.value.ended() }
    }

    // MARK: Deadlines

    /// One timer, looked at when it fires: activity only notes the time.
    private func armTimer(on loop: any EventLoop, after delay: TimeAmount? = nil) {
        let configuration = core.configuration
        let shortest = min(configuration.stallTimeout, configuration.tunnelIdleTimeout)
        let longest = TimeAmount.nanoseconds(Int64(shortest.seconds * 1e9))
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleTask(in: min(delay ?? longest, longest)) { bound.value.timerFired(on: loop) }
    }

    private func timerFired(on loop: any EventLoop) {
        let isStalled = !client.isWritable || !legacy.isWritable
        let allowed = isStalled ? core.configuration.stallTimeout : core.configuration.tunnelIdleTimeout
        let left = lastActivity + .nanoseconds(Int64(allowed.seconds * 1e9)) - .now()
        if left > .nanoseconds(0) { armTimer(on: loop, after: left) } else { ended() }
    }
}

/// One end of a ``Tunnel``, the last handler of its channel.
final class TunnelEnd: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// `nil` once it is over.
    fileprivate var tunnel: Tunnel?
    fileprivate var other: TunnelEnd?
    private var context: ChannelHandlerContext?
    private var isReadHeld = false
    private var isInputClosed = false

    /// Whether it takes bytes. One that is gone holds nobody up.
    fileprivate var isWritable: Bool { context?.channel.isWritable ?? true }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        tunnel?.ended()
    }

    func channelInactive(context: ChannelHandlerContext) {
        tunnel?.ended()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let tunnel { tunnel.ended() } else { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let other, let tunnel else { return }
        let bytes = unwrapInboundIn(data)
        tunnel.passed(bytes.readableBytes, to: other)
        other.write(bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        other?.flush()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            isInputClosed = true
            other?.closeOutput()
        } else if event is ChannelShouldQuiesceEvent {
            tunnel?.drain(on: context.eventLoop)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func read(context: ChannelHandlerContext) {
        if other?.isWritable ?? true { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            tunnel?.noteActivity()
            other?.resume()
        }
        context.fireChannelWritabilityChanged()
    }

    private func resume() {
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    private func flush() { context?.flush() }

    private func write(_ bytes: ByteBuffer) { context?.write(wrapOutboundOut(bytes), promise: nil) }

    private func closeOutput() {
        // Closing the second half closes the whole, and what was written before would not leave.
        guard !isInputClosed else {
            tunnel?.ended()
            return
        }
        context?.flush()
        context?.close(mode: .output, promise: nil)
    }

    /// What was written before still leaves.
    fileprivate func close(within time: TimeAmount) {
        guard let context, context.channel.isActive else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close(promise: nil) }
        context.eventLoop.scheduleTask(in: time) { bound.value.close(promise: nil) }
    }
}

@available(*, unavailable)
extension Tunnel: Sendable {}

@available(*, unavailable)
extension TunnelEnd: Sendable {}
