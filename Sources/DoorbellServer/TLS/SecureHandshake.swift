import CoreMetrics
import NIOCore
import NIOTLS

/// Waits behind TLS for the end of the handshake, installs what was agreed on, and leaves.
///
/// The time that a handshake takes is part of ``ServerConfiguration/headerTimeout``: whoever has not finished it by then is closed.
final class SecureHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let pipeline: ConnectionPipeline
    private let start = NIODeadline.now()
    private var timer: Scheduled<Void>?
    private var isOver = false

    init(pipeline: ConnectionPipeline) { self.pipeline = pipeline }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(deadline: start + TimeAmount(pipeline.core.configuration.headerTimeout))
        {
            bound.value.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        failed()
        timer?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent {
            done(negotiated, context)
        } else if event is ChannelShouldQuiesceEvent {
            // The service is going away, and nothing was asked here yet.
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failed()
        context.close(promise: nil)
    }

    private func done(_ negotiated: String?, _ context: ChannelHandlerContext) {
        isOver = true
        pipeline.core.metrics.handshakes.increment()
        do {
            try pipeline.installSecured(negotiated, on: context.channel, since: start)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    private func failed() {
        guard !isOver else { return }
        isOver = true
        pipeline.core.metrics.failedHandshakes.increment()
    }
}

@available(*, unavailable)
extension SecureHandshake: Sendable {}
