import DoorbellWire
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

extension DoorbellConnection {
    /// Connects, upgrades, and hands the connection out. Every failure goes into the returned future.
    static func open(
        _ url: String, _ headers: [(String, String)], _ subprotocols: [String], _ group: any EventLoopGroup,
        _ options: ConnectionOptions, onMessage: (@Sendable ([UInt8]) -> Void)?
    ) -> EventLoopFuture<DoorbellConnection> {
        let loop = group.next()
        guard let url = WebSocketURL(url) else { return loop.makeFailedFuture(ConnectError.invalidURL(url)) }
        let tls: NIOSSLContext?
        do {
            tls = url.isSecure ? try options.tls ?? NIOSSLContext(configuration: .makeClientConfiguration()) : nil
        } catch {
            return loop.makeFailedFuture(error)
        }
        var generator = SystemRandomNumberGenerator()
        let key = WebSocketHandshake.makeKey(using: &generator)
        let request = upgradeRequest(url, key, headers, subprotocols)
        let opened = loop.makePromise(of: DoorbellConnection.self)

        ClientBootstrap(group: loop)
            .connectTimeout(options.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try options.prepare?(channel)
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(tlsHandler(tls, url.host)) }
                    let encoder = HTTPRequestEncoder()
                    let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes))
                    let validator = NIOHTTPRequestHeadersValidator()
                    try pipeline.addHandlers(encoder, decoder, validator)
                    let handshake = HandshakeHandler(
                        request: request, expected: UpgradeResponse(key: key, offered: subprotocols),
                        http: [validator, encoder, decoder], timeout: options.handshakeTimeout,
                        upgrade: { context, agreement in
                            opened.succeed(try upgraded(context.channel, agreement, options, onMessage))
                        },
                        failed: { opened.fail($0) })
                    try pipeline.addHandler(handshake)
                }
            }
            .connect(host: url.host, port: url.port)
            .whenFailure { opened.fail($0) }
        return opened.futureResult
    }

    private static func tlsHandler(_ context: NIOSSLContext, _ host: String) throws -> NIOSSLClientHandler {
        // Server name indication is for names, not addresses.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    private static func upgradeRequest(
        _ url: WebSocketURL, _ key: String, _ custom: [(String, String)], _ subprotocols: [String]
    ) -> HTTPRequestHead {
        var headers = HTTPHeaders([("Host", url.hostHeader), ("User-Agent", "doorbell-client")])
        for (name, _) in custom { headers.remove(name: name) }
        for (name, value) in custom { headers.add(name: name, value: value) }
        headers.replaceOrAdd(name: "Upgrade", value: "websocket")
        headers.replaceOrAdd(name: "Connection", value: "Upgrade")
        headers.replaceOrAdd(name: "Sec-WebSocket-Key", value: key)
        headers.replaceOrAdd(name: "Sec-WebSocket-Version", value: "13")
        if !subprotocols.isEmpty {
            headers.replaceOrAdd(name: "Sec-WebSocket-Protocol", value: subprotocols.joined(separator: ", "))
        }
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: url.target, headers: headers)
    }

    /// On the loop, when the server has agreed: adds the WebSocket handler at the end of the pipeline.
    private static func upgraded(
        _ channel: any Channel, _ agreement: HandshakeHandler.Agreement, _ options: ConnectionOptions,
        _ onMessage: (@Sendable ([UInt8]) -> Void)?
    ) throws -> DoorbellConnection {
        let ended = channel.eventLoop.makePromise(of: ConnectionEnd.self)
        let messages: Messages
        let handler: WebSocketClientHandler
        if let onMessage {
            messages = Messages(sequence: nil)
            handler = WebSocketClientHandler(
                maximumMessageSize: options.maximumMessageSize, closeTimeout: options.closeTimeout,
                receive: { message in
                    onMessage(message)
                    return .more
                },
                ended: { ended.succeed($0) })
        } else {
            let high = max(1, options.maximumBufferedMessages)
            let producer = NIOAsyncSequenceProducer.makeSequence(
                elementType: [UInt8].self,
                backPressureStrategy: NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark(
                    lowWatermark: max(1, high / 2), highWatermark: high),
                finishOnDeinit: true, delegate: MessageDemand(channel: channel))
            let source = producer.source
            messages = Messages(sequence: producer.sequence)
            handler = WebSocketClientHandler(
                maximumMessageSize: options.maximumMessageSize, closeTimeout: options.closeTimeout,
                receive: { message in
                    if case .stopProducing = source.yield(message) { return .pause }
                    return .more
                },
                ended: { end in
                    source.finish()
                    ended.succeed(end)
                })
        }
        if let size = options.readSize {
            try channel.syncOptions?.setOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: max(64, size)))
        }
        try channel.pipeline.syncOperations.addHandler(handler)
        return DoorbellConnection(
            channel: channel, messages: messages, subprotocol: agreement.subprotocol,
            responseHeaders: agreement.headers.map { (name: $0.name, value: $0.value) }, closed: ended.futureResult)
    }
}
