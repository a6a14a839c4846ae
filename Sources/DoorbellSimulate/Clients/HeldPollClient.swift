import DoorbellCore
import DoorbellTesting
import NIOCore
import NIOHTTP1

/// A client whose polls wait: the next one as soon as the one before is answered.
final class HeldPollClient: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let user: Int
    private let rules: FleetRules
    private let ready: EventLoopPromise<Void>
    private var request: HTTPRequestHead
    private var askedAt: UInt64 = 0
    private var status = 0
    private var body = AnswerBody()
    private var known: Int?

    /// - Parameter ready: Succeeds with the first answer, when the first poll is being held.
    init(user: Int, rules: FleetRules, ready: EventLoopPromise<Void>) {
        self.user = user
        self.rules = rules
        self.ready = ready
        self.request = rules.request(of: user)
    }

    func channelActive(context: ChannelHandlerContext) {
        ask(context)
        context.fireChannelActive()
    }

    private func ask(_ context: ChannelHandlerContext) {
        askedAt = Moment.now
        context.write(wrapOutboundOut(.head(request)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            if let tag = head.headers.first(name: "ETag") {
                request.headers.replaceOrAdd(name: "If-None-Match", value: tag)
                request.headers.replaceOrAdd(name: "Prefer", value: "wait=\(SimulationPlan.heldSeconds)")
            }
            if let position = head.headers.first(name: "Doorbell-Position") {
                request.headers.replaceOrAdd(name: "Doorbell-Position", value: position)
            }
        case .body(let part): body.append(part)
        case .end:
            let (now, revision) = (Moment.now, body.takeRevision())
            known = rules.record.withLock {
                $0.answered(user, status: status, revision: revision, known: known, took: now - askedAt, at: now)
            }
            guard status == 200 || status == 304 else {
                ready.fail(DoorbellError(.service, "a held poll was answered with \(status)"))
                // Not in a circle of errors.
                context.close(promise: nil)
                return
            }
            ready.succeed()
            ask(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        ready.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
