import DoorbellCore
import NIOCore
import NIOHTTP1

/// A client of server-sent events.
final class EventStreamClient: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let user: Int
    private let rules: FleetRules
    private let ready: EventLoopPromise<Void>
    private var lines = EventLines()

    /// - Parameter ready: Succeeds when the server says that the stream has begun.
    init(user: Int, rules: FleetRules, ready: EventLoopPromise<Void>) {
        self.user = user
        self.rules = rules
        self.ready = ready
    }

    func channelActive(context: ChannelHandlerContext) {
        var request = rules.request(of: user)
        request.headers.replaceOrAdd(name: "Accept", value: "text/event-stream")
        context.write(wrapOutboundOut(.head(request)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard head.status == .ok else {
                ready.fail(DoorbellError(.service, "an event stream was answered with \(head.status.code)"))
                context.close(promise: nil)
                return
            }
        case .body(let part):
            part.withUnsafeReadableBytes { bytes in
                lines.append(bytes) { message in
                    if message.withUnsafeBytes({ rules.received($0, by: user) }) { ready.succeed() }
                }
            }
        case .end: context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        ready.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
