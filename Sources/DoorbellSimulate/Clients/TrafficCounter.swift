import DoorbellCore
import NIOCore

/// Counts what passes the socket. Stands nearest to it.
final class TrafficCounter: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let record: Locked<FleetRecord>

    init(_ record: Locked<FleetRecord>) { self.record = record }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytes
        record.withLock { $0.received(bytes) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data).readableBytes
        record.withLock { $0.sent(bytes) }
        context.write(data, promise: promise)
    }
}
