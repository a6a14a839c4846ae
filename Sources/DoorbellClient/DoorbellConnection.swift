public import DoorbellCore
public import DoorbellWire
public import NIOCore
public import NIOPosix

/// One WebSocket to a Doorbell server (or to any other): text out, messages in.
///
/// Messages come out in one of two ways, chosen when the connection is made: as ``messages``, an asynchronous sequence whose
/// full buffer stops reading from the socket, or through a callback on the event loop, for programs with thousands of
/// connections. Pings are answered. Nothing reconnects; ``DoorbellSession`` does.
///
/// A connection stays open until one side closes it, also when nobody holds this object any more.
public final class DoorbellConnection: Sendable {
    /// What was received, in order. One task may iterate it, once. It ends when the connection does; then ``closed`` says why.
    /// After leaving the loop early, what still comes is dropped. Empty for connections made with a callback.
    public let messages: Messages
    /// The subprotocol that the server chose.
    public let subprotocol: String?
    /// The headers of the server's 101.
    public let responseHeaders: [(name: String, value: String)]
    /// Succeeds when the connection is over; never fails.
    public let closed: EventLoopFuture<ConnectionEnd>
    let channel: any Channel

    init(
        channel: any Channel, messages: Messages, subprotocol: String?,
        responseHeaders: [(name: String, value: String)],
        closed: EventLoopFuture<ConnectionEnd>
    ) {
        self.channel = channel
        self.messages = messages
        self.subprotocol = subprotocol
        self.responseHeaders = responseHeaders
        self.closed = closed
    }

    /// Opens a connection whose messages come out of ``messages``.
    ///
    /// - Parameters:
    ///   - url: `ws`, `wss`, `http` or `https`, any path.
    ///   - headers: Added to the request; they replace those of the same name, except those of the upgrade itself.
    ///   - subprotocols: Offered in this order. A token may travel as `bearer.<token>` beside `doorbell.v1`.
    /// - Throws: ``ConnectError``, or what the network or TLS threw. Cancelling the task does not end the attempt; the
    ///   timeouts do.
    public static func connect(
        to url: String, headers: [(String, String)] = [],
        subprotocols: [String] = [ProtocolVersion.current.subprotocol],
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        options: ConnectionOptions = ConnectionOptions()
    ) async throws -> DoorbellConnection {
        try await open(url, headers, subprotocols, group, options, onMessage: nil).get()
    }

    /// Opens a connection that calls `onMessage` with each message, on the connection's event loop.
    ///
    /// The callback must not block. There is no backpressure but the callback's own time.
    public static func open(
        to url: String, headers: [(String, String)] = [],
        subprotocols: [String] = [ProtocolVersion.current.subprotocol],
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        options: ConnectionOptions = ConnectionOptions(),
        onMessage: @escaping @Sendable (_ message: [UInt8]) -> Void
    ) -> EventLoopFuture<DoorbellConnection> {
        open(url, headers, subprotocols, group, options, onMessage: onMessage)
    }

    /// Waits for the end.
    public func waitForClose() async -> ConnectionEnd {
        (try? await closed.get()) ?? .lost("the event loop is shut down")
    }

    // MARK: Sending

    /// Sends one text message. Returns when it has been handed to the kernel.
    ///
    /// - Throws: `ChannelError` when the connection is closing or closed.
    public func send(_ text: String) async throws { try await write(Array(text.utf8)).get() }

    /// Sends one text message; `text` must be UTF-8.
    @discardableResult
    public func write(_ text: [UInt8]) -> EventLoopFuture<Void> {
        let frame = WebSocketFrame.encode(.text, text, mask: .random(in: .min ... .max))
        return channel.writeAndFlush(ByteBuffer(bytes: frame))
    }

    /// Sends a `subscribe`. The answer comes as a message: `subscribed` or `error`.
    ///
    /// - Parameters:
    ///   - since: A position to recover from, `latest` or `earliest`.
    ///   - versions: Wanted schema versions, best first.
    ///   - client: Which of its user's clients this is: whose durable cursor goes on here, on channels that have one.
    ///   - id: Comes back in the answer.
    public func subscribe(
        channel: String, since: String? = nil, versions: [SchemaVersion] = [], client: String? = nil, id: String? = nil
    ) async throws {
        try await write(
            ClientRequest.subscribe(
                to: .channel(channel), since: since, versions: versions, client: client, id: id)
        ).get()
    }

    /// Sends a `subscribe` for a polled path with its query, with or without `GET ` before it.
    public func subscribe(
        poll: String, since: String? = nil, versions: [SchemaVersion] = [], client: String? = nil, id: String? = nil
    ) async throws {
        try await write(
            ClientRequest.subscribe(to: .poll(poll), since: since, versions: versions, client: client, id: id)
        ).get()
    }

    /// Sends a `publish`, for a channel that this connection is subscribed to. The answer comes as a message: `published` or
    /// `error`.
    ///
    /// - Parameters:
    ///   - data: JSON.
    ///   - id: Comes back in the answer, and in the message itself.
    public func publish(channel: String, data: [UInt8], id: String? = nil) async throws {
        try await write(ClientRequest.publish(channel: channel, data: data, id: id)).get()
    }

    /// Sends an `ack`: everything on the channel up to `position` was seen and applied.
    public func acknowledge(channel: String, position: String) async throws {
        try await write(ClientRequest.acknowledge(channel: channel, position: position)).get()
    }

    public func unsubscribe(channel: String, id: String? = nil) async throws {
        try await write(ClientRequest.unsubscribe(channel: channel, id: id)).get()
    }

    // MARK: Ending

    /// Ends the connection in order: sends a close frame and waits for the server's, at most
    /// ``ConnectionOptions/closeTimeout``. Messages that still come are dropped.
    public func close(_ code: CloseCode = .normal) async {
        startClosing(code)
        _ = await waitForClose()
    }

    /// As ``close(_:)``, without waiting.
    public func startClosing(_ code: CloseCode = .normal) {
        channel.triggerUserOutboundEvent(WebSocketClientHandler.Command.close(code), promise: nil)
    }

    /// From now on the connection counts as lost when nothing arrives for twice `heartbeat`; after once a ping asks.
    /// Time during which the receiver made us stop reading does not count.
    public func watch(heartbeat: TimeAmount) {
        channel.triggerUserOutboundEvent(WebSocketClientHandler.Command.watch(heartbeat: heartbeat), promise: nil)
    }
}
