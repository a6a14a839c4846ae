import DoorbellCore
import DoorbellTesting
import NIOCore
import NIOHTTP1

/// A client that polls as most do: on a timer, over one connection, the next poll when the timer says so and the answer before
/// is there.
final class PollingClient: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let user: Int
    private let rules: FleetRules
    /// When in each interval it polls.
    private let offset: TimeAmount
    private var request: HTTPRequestHead
    /// Nanoseconds; `nil` while nothing is asked.
    private var askedAt: UInt64?
    private var status = 0
    private var body = AnswerBody()
    private var known: Int?

    /// - Parameter share: When in each interval it polls, 0 to 1.
    init(user: Int, share: Double, rules: FleetRules) {
        self.user = user
        self.rules = rules
        self.offset = .nanoseconds(Int64(Double(rules.interval.nanoseconds) * share))
        self.request = rules.request(of: user)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        rules.start.whenSuccess { start in
            let (client, context) = bound.value
            client.wait(until: start + client.offset, context)
        }
    }

    private func wait(until due: NIODeadline, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(deadline: due) {
            let (client, context) = bound.value
            client.poll(due, context)
        }
    }

    private func poll(_ due: NIODeadline, _ context: ChannelHandlerContext) {
        let late = max(.zero, NIODeadline.now() - due)
        // Timers that have passed altogether are not made up for.
        let passed = late.nanoseconds / rules.interval.nanoseconds
        let next = due + .nanoseconds((passed + 1) * rules.interval.nanoseconds)
        let isBusy = askedAt != nil
        rules.record.withLock {
            $0.asked(late: UInt64(late.nanoseconds))
            $0.skipped(Int(passed) + (isBusy ? 1 : 0))
        }
        if !isBusy {
            askedAt = Moment.now
            context.write(wrapOutboundOut(.head(request)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        wait(until: next, context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            if rules.kind.sendsTags, let tag = head.headers.first(name: "ETag") {
                request.headers.replaceOrAdd(name: "If-None-Match", value: tag)
            }
        case .body(let part): body.append(part)
        case .end:
            guard let asked = askedAt else { return }
            askedAt = nil
            let (now, revision) = (Moment.now, body.takeRevision())
            known = rules.record.withLock {
                $0.answered(user, status: status, revision: revision, known: known, took: now - asked, at: now)
            }
        }
    }
}
