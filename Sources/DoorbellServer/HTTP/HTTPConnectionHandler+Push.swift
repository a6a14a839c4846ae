import DoorbellCore
import DoorbellHub
import DoorbellWire
import NIOCore
import NIOHTTP1

/// Server-sent events and held polls: answers that take as long as nothing happens.
extension HTTPConnectionHandler {
    /// Asks the legacy API first where the stream is of a polled URL.
    func begin(_ request: EventStreamRequest, _ visitor: Visitor) {
        guard let context else { return }
        let loop = context.eventLoop
        guard request.isOnPoll, let subscription = request.subscriptions.first,
            case .poll(let target) = subscription.target
        else {
            let head = core.hub.head
            return open(request, visitor) { session in
                let now = PushStream.seconds()
                return session.opened()
                    + request.subscriptions.flatMap {
                        session.received(.subscribe($0), position: head, now: now)
                    }
            }
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let position = core.hub.head
        let limit = core.configuration.maximumSnapshot
        core.gateway.ask(target, headers: visitor.headers, from: origin, on: loop).whenComplete { result in
            let connection = bound.value
            connection.core.asked(target, headers: visitor.headers, from: connection.origin, result)
            switch PollVerdict(result, maximumSnapshot: limit) {
            case .allowed(let snapshot):
                connection.open(request, visitor) { session in
                    session.opened(
                        with: subscription, snapshot: snapshot, position: position, now: PushStream.seconds())
                }
            case .refused, .unavailable: connection.send(Self.refusal(result))
            }
        }
    }

    private func open(
        _ request: EventStreamRequest, _ visitor: Visitor, actions: (inout Session) -> [Session.Action]
    ) {
        // The legacy API may have taken its time.
        if let refusal = core.refusal {
            return send(.problem(.serviceUnavailable, "\(refusal): poll for now", headers: ["retry-after": "2"]))
        }
        guard case .exchanging(var exchange) = state, let context, context.channel.isActive else { return }
        var headers = request.accessControl
        headers.add(name: "content-type", value: "text/event-stream")
        // `no-transform`: nothing in between may compress it, which would hold it back; nginx is told by name.
        headers.add(name: "cache-control", value: "no-cache, no-transform")
        headers.add(name: "x-accel-buffering", value: "no")
        exchange.keepsAlive = false
        let head = exchange.framed(.ok, headers)
        switch carrier {
        case .connection: setOptions(of: context.channel)
        case .stream: context.channel.parent.map { Self.setSendOptions(of: $0, core.configuration) }
        }
        let events = EventStream(connection: self)
        stream(events, head: head)
        let costs = (up: exchange.head.size, down: head.size)
        // Writing the head finds out that the client is gone.
        guard case .streaming = state else { return }
        events.open(
            PushStream(
                loopState: loopState, origin: origin, visitor: visitor, channel: context.channel, carrier: events),
            costs: costs, with: actions)
    }

    /// Of the answer, in bytes. A stream's channel cannot be asked.
    var unsentBytes: Int {
        switch carrier {
        case .connection: (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        case .stream(let stream): stream.unsentBytes
        }
    }

    func writeEvents(_ buffer: ByteBuffer) {
        guard case .streaming = state else { return }
        access?.sent(buffer.readableBytes)
        context?.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
    }

    func endEvents() {
        guard case .streaming = state, let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in bound.value.close(promise: nil) }
        // A client that does not read is not waited for.
        context.eventLoop.scheduleTask(in: .seconds(2)) { bound.value.close(promise: nil) }
    }

    /// `nil`: the poll is not to be held.
    func held(_ head: HTTPRequestHead, loop: any EventLoop) -> Exchange.AtEnd? {
        guard HeldPoll.wait(head) != nil, core.refusal == nil, let poll = core.catalog.poll(matching: head.uri) else {
            return nil
        }
        var head = head
        var access: AccessRequest?
        // Of other features the legacy API, which is asked at once, is the judge.
        if case .claims = poll.feature.authorize {
            do throws(AccessRefusal) {
                let request = try core.doorkeeper.request(head, poll: poll)
                head.uri = request.target
                access = request
            } catch {
                return .answer(error.answer)
            }
        }
        return HeldPoll(head, poll: poll, core: core, loopState: loopState, origin: origin, loop: loop)
            .map { .hold($0, access) }
    }

    func begin(_ held: HeldPoll) {
        hold(held)
        held.start { [weak self] answer in self?.send(answer) }
    }
}
