import DoorbellAuth
import NIOCore
import NIOHTTP2
import NIOSSL

/// What stands between a socket and the requests that come over it: HTTP/1.1, or TLS and then what was agreed on in its handshake.
///
/// HTTP/2 is spoken over TLS only: in the open nobody but a proxy would ask for it, and proxies keep HTTP/1.1 connections.
struct ConnectionPipeline {
    let core: ServerCore
    let loopState: LoopState

    /// For a connection that was just accepted, on its event loop.
    func install(on channel: any Channel) throws {
        guard let certificates = core.configuration.certificates else {
            // The first request that is proxied changes it.
            UnpooledReads(isFirst: true).apply(to: channel)
            return try installHTTP1(on: channel, since: .now(), isTLS: false)
        }
        let guardian = PlainRequestGuard()
        let tls = NIOSSLServerHandler(context: certificates.context)
        try channel.pipeline.syncOperations.addHandlers([guardian, tls, SecureHandshake(pipeline: self)])
    }

    /// The handshake is done.
    ///
    /// - Parameters:
    ///   - negotiated: What was agreed on; `nil` for a client that does not know about it, which speaks HTTP/1.1.
    ///   - start: When the connection was accepted.
    func installSecured(_ negotiated: String?, on channel: any Channel, since start: NIODeadline) throws {
        if negotiated == "h2" {
            try installHTTP2(on: channel, since: start)
        } else {
            try installHTTP1(on: channel, since: start, isTLS: true)
        }
    }

    private func installHTTP1(on channel: any Channel, since start: NIODeadline, isTLS: Bool) throws {
        let pipeline = HTTPPipeline(core: core, isTLS: isTLS)
        let origin = RequestOrigin(address: channel.remoteAddress?.ipAddress, isTLS: isTLS)
        try pipeline.install(
            in: channel.pipeline.syncOperations,
            last: HTTPConnectionHandler(
                core: core, loopState: loopState, carrier: .connection(pipeline), origin: origin, since: start))
    }

    private func installHTTP2(on channel: any Channel, since start: NIODeadline) throws {
        let loop = channel.eventLoop
        let origin = RequestOrigin(address: channel.remoteAddress?.ipAddress, isTLS: true)
        let connection = HTTP2Connection(core: core, loopState: loopState, since: start)
        // Only for the end: its GOAWAY is told in two steps, so that no request that is on its way is lost (RFC 9113, section 6.8).
        // Its timers would let a client that does not answer stay for ever; HTTP2Connection has them.
        let ending = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: loop,
            configuration: .init(maxIdleTime: nil, maxAge: nil, maxGraceTime: nil, keepalive: nil))
        let watch = HTTP2StreamWatch(
            connection: NIOLoopBound(connection, eventLoop: loop), ending: ending.http2StreamDelegate)
        let shared = NIOLoopBound(self, eventLoop: loop)
        let frames = NIOHTTP2Handler(
            mode: .server, eventLoop: loop, connectionConfiguration: connectionConfiguration,
            streamConfiguration: streamConfiguration, streamDelegate: watch
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                let pipeline = shared.value
                let bytes = HTTP2StreamHandler()
                try stream.pipeline.syncOperations.addHandlers([
                    bytes, HTTP2FramePayloadToHTTP1ServerCodec(),
                    HTTPConnectionHandler(
                        core: pipeline.core, loopState: pipeline.loopState, carrier: .stream(bytes), origin: origin),
                ])
            }
        }
        try channel.pipeline.syncOperations.addHandlers([connection, frames, ending, HTTP2ErrorHandler()])
    }

    /// The library's own bounds on floods (resets, empty frames, continuations, control frames) are kept; ``HTTP2ErrorHandler`` acts on them.
    private var connectionConfiguration: NIOHTTP2Handler.ConnectionConfiguration {
        var settings = NIOHTTP2Handler.ConnectionConfiguration()
        settings.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: core.configuration.maximumStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: core.configuration.maximumHeaders),
        ]
        return settings
    }

    private var streamConfiguration: NIOHTTP2Handler.StreamConfiguration {
        var settings = NIOHTTP2Handler.StreamConfiguration()
        // Not more than half of the send budget: see PushStream.
        let high = max(2, min(64 << 10, core.configuration.sendBudget / 2))
        settings.outboundBufferSizeHighWatermark = high
        settings.outboundBufferSizeLowWatermark = high / 2
        return settings
    }
}
