import DoorbellCore
import DoorbellHub
import DoorbellWire
import NIOCore
import NIOHTTP1

extension HTTPConnectionHandler {
    /// Asks the legacy API first where the handshake is on a polled URL, then answers 101.
    func begin(_ upgrade: WebSocketUpgrade, _ visitor: Visitor) {
        guard let context else { return }
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        guard let poll = upgrade.poll, case .poll(let target) = poll.target else {
            // Not from within the decoder, which is about to be taken away.
            loop.execute { bound.value.complete(upgrade, visitor) { session in session.opened() } }
            return
        }
        let position = core.hub.head
        let limit = core.configuration.maximumSnapshot
        core.gateway.ask(target, headers: visitor.headers, from: origin, on: loop).whenComplete { result in
            // A future that is complete already calls back at once, which would be within the decoder too.
            loop.execute {
                let connection = bound.value
                connection.core.asked(target, headers: visitor.headers, from: connection.origin, result)
                switch PollVerdict(result, maximumSnapshot: limit) {
                case .allowed(let snapshot):
                    connection.complete(upgrade, visitor) { session in
                        session.opened(with: poll, snapshot: snapshot, position: position, now: PushStream.seconds())
                    }
                case .refused, .unavailable: connection.send(Self.refusal(result))
                }
            }
        }
    }

    /// The legacy API's own words, as far as there are any.
    static func refusal(_ result: Result<PollAnswer, any Error>) -> LocalAnswer {
        switch result {
        case .success(let answer):
            return LocalAnswer(
                answer.status, headers: answer.headers, body: answer.body.map { Array($0.readableBytesView) } ?? [])
        case .failure(let error):
            let failure = error as? GatewayFailure
            return .problem(failure?.status ?? .badGateway, failure?.reason ?? "the legacy API did not answer")
        }
    }

    private func complete(
        _ upgrade: WebSocketUpgrade, _ visitor: Visitor, actions: (inout Session) -> [Session.Action]
    ) {
        // The legacy API may have taken its time.
        if let refusal = core.refusal {
            return send(.problem(.serviceUnavailable, "\(refusal): poll for now", headers: ["retry-after": "2"]))
        }
        // Streams of HTTP/2 do not become WebSockets: nobody can ask for it there.
        guard case .connection(let pipeline) = carrier, case .exchanging(let exchange) = state,
            let (context, access) = handOver()
        else { return }
        var headers: HTTPHeaders = [
            "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-accept": upgrade.acceptKey,
        ]
        if let subprotocol = upgrade.subprotocol { headers.add(name: "sec-websocket-protocol", value: subprotocol) }
        if let compression = upgrade.compression {
            headers.add(name: "sec-websocket-extensions", value: compression.headerValue)
        }
        let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)

        let connection = WebSocketConnection(core: core, compression: upgrade.compression, access: access)
        let channel = context.channel
        let operations = context.pipeline.syncOperations
        setOptions(of: channel)
        do {
            try operations.addHandler(connection, position: .after(self))
        } catch {
            context.close(promise: nil)
            return
        }
        // The decoder goes last, because it hands on what the client sent ahead.
        if let repeated = pipeline.repeated { operations.removeHandler(repeated, promise: nil) }
        for handler in [pipeline.pipelining, pipeline.encoder, self] as [any RemovableChannelHandler] {
            operations.removeHandler(handler, promise: nil)
        }
        connection.open(
            with: actions, costs: (exchange.head.size, head.size), loopState: loopState, origin: origin,
            visitor: visitor)
        // Answers to what was sent ahead: no end of a read follows that would write them.
        let bound = NIOLoopBound(connection, eventLoop: context.eventLoop)
        operations.removeHandler(pipeline.decoder).whenComplete { _ in bound.value.flush() }
    }

    /// For a connection that is pushed to from now on.
    func setOptions(of channel: any Channel) {
        let configuration = core.configuration
        Self.setSendOptions(of: channel, configuration)
        readSmall(from: channel)
        guard let options = channel.syncOptions else { return }
        let high = max(2, configuration.sendBudget / 2)
        try? options.setOption(.writeBufferWaterMark, value: .init(low: max(1, high / 2), high: high))
    }

    /// A small kernel buffer and a low mark for what it has not sent yet: without them a stalled client swallows megabytes
    /// before anybody notices.
    static func setSendOptions(of channel: any Channel, _ configuration: ServerConfiguration) {
        guard let options = channel.syncOptions else { return }
        try? options.setOption(.socketOption(.so_sndbuf), value: SocketOptionValue(configuration.kernelSendBuffer))
        #if os(Linux)
        let notSentLowWater = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 25))
        try? options.setOption(notSentLowWater, value: 16 << 10)
        #endif
    }
}
