import CoreMetrics
import NIOCore
import NIOHTTP2

/// One HTTP/2 connection, apart from its streams: counted, pinged, closed when it is idle or its peer is gone. Lives on its event loop.
///
/// Stands before the frames, so that whatever comes from the peer is a sign of life.
final class HTTP2Connection: ChannelInboundHandler, HeartbeatMember {
    typealias InboundIn = ByteBuffer

    var seat = HeartbeatSeat.none
    private let core: ServerCore
    private let loopState: LoopState
    private var liveness: HTTP2Liveness
    /// At most ``ServerConfiguration/maximumStreams``.
    private var streams: Set<HTTP2StreamID> = []
    private let start: NIODeadline
    private var context: ChannelHandlerContext?
    /// Until the first request. Leaves when it comes, or by closing.
    private var timer: Scheduled<Void>?

    /// - Parameter start: When the connection was accepted: its first request has to come within
    ///   ``ServerConfiguration/headerTimeout`` from then.
    init(core: ServerCore, loopState: LoopState, since start: NIODeadline) {
        self.core = core
        self.loopState = loopState
        self.start = start
        let configuration = core.configuration
        liveness = HTTP2Liveness(
            heartbeat: configuration.session.heartbeat.seconds, idle: configuration.idleTimeout.seconds,
            now: PushStream.seconds())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        core.metrics.http2Connections.increment()
        loopState.add(self, on: context.eventLoop)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(deadline: start + TimeAmount(core.configuration.headerTimeout)) {
            bound.value.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    private func ended() {
        guard context != nil else { return }
        context = nil
        timer?.cancel()
        timer = nil
        loopState.remove(self)
        core.metrics.http2Connections.decrement()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        liveness.heard(now: PushStream.seconds())
        context.fireChannelRead(data)
    }

    fileprivate func opened(_ stream: HTTP2StreamID) {
        timer?.cancel()
        timer = nil
        guard streams.insert(stream).inserted else { return }
        liveness.opened()
    }

    /// - Returns: Whether it was open. One whose first frame is refused ends without having begun.
    fileprivate func ended(_ stream: HTTP2StreamID) -> Bool {
        guard streams.remove(stream) != nil else { return false }
        liveness.ended(now: PushStream.seconds())
        return true
    }

    /// Once each ``SessionLimits/heartbeat``.
    func beat(now: Double) {
        guard let context else { return }
        switch liveness.beat(now: now) {
        case .none: break
        case .ping:
            let ping = HTTP2Frame(streamID: .rootStream, payload: .ping(HTTP2PingData(withInteger: 0), ack: false))
            context.channel.writeAndFlush(ping, promise: nil)
        case .goAway: context.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .close: context.close(promise: nil)
        }
    }
}

@available(*, unavailable)
extension HTTP2Connection: Sendable {}

/// Tells both who want to know how many streams there are.
struct HTTP2StreamWatch: NIOHTTP2StreamDelegate {
    let connection: NIOLoopBound<HTTP2Connection>
    let ending: NIOHTTP2ServerConnectionManagementHandler.HTTP2StreamDelegate

    func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
        connection.value.opened(id)
        ending.streamCreated(id, channel: channel)
    }

    func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
        // It takes an end without a begin for a mistake of its own.
        if connection.value.ended(id) { ending.streamClosed(id, channel: channel) }
    }
}
