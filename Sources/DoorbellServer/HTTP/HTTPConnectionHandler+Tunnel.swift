import NIOCore
import NIOHTTP1

/// WebSockets of the legacy API: handshakes on paths that no feature owns.
extension HTTPConnectionHandler {
    /// Asks the legacy API to switch protocols.
    func beginTunnel(_ head: HTTPRequestHead) {
        guard let context else { return }
        guard !core.isDraining else {
            return send(.problem(.serviceUnavailable, "the service is going away", headers: ["retry-after": "2"]))
        }
        guard core.hasRoomForTunnel else { return send(.tooManyTunnels) }
        handOn { answer in core.gateway.tunnel(head, from: origin, on: context.eventLoop, answer: answer) }
    }

    /// The legacy API has switched, and `channel` is its side.
    ///
    /// - Returns: `false`: the client is gone.
    func switched(for answer: ClientAnswer, _ head: HTTPResponseHead, to channel: any Channel) -> Bool {
        guard isAnswering(answer), case .connection(let pipeline) = carrier else { return false }
        guard core.openTunnel() else {
            send(.tooManyTunnels)
            return false
        }
        guard let (context, access) = handOver() else {
            core.closeTunnel()
            return false
        }
        var headers = head.headers
        headers.add(name: "upgrade", value: "websocket")
        headers.add(name: "connection", value: "Upgrade")
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers))),
            promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        let tunnel = Tunnel(core: core, access: access)
        tunnel.open(on: context.eventLoop)
        let operations = context.pipeline.syncOperations
        do {
            for side in [context.channel, channel] {
                try side.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            }
            try operations.addHandler(tunnel.client, position: .after(self))
            try channel.pipeline.syncOperations.addHandler(tunnel.legacy)
            try channel.syncOptions?.setOption(.autoRead, value: true)
        } catch {
            tunnel.ended()
            context.close(promise: nil)
            return false
        }
        if let repeated = pipeline.repeated { operations.removeHandler(repeated, promise: nil) }
        for handler in [pipeline.pipelining, pipeline.encoder, self] as [any RemovableChannelHandler] {
            operations.removeHandler(handler, promise: nil)
        }
        // The decoder goes last, because it hands on what the client sent ahead: when the other side has lost its HTTP handlers, too.
        let bound = NIOLoopBound((operations, pipeline.decoder), eventLoop: context.eventLoop)
        let client = context.channel
        context.eventLoop.execute {
            let (operations, decoder) = bound.value
            operations.removeHandler(decoder).whenComplete { _ in client.pipeline.fireChannelReadComplete() }
        }
        return true
    }
}

extension LocalAnswer {
    fileprivate static var tooManyTunnels: LocalAnswer {
        .problem(
            .serviceUnavailable, "as many WebSockets of the legacy API pass through here as may",
            headers: ["retry-after": "5"])
    }
}
