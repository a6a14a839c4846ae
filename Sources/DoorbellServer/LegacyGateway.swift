public import DoorbellCore
public import NIOCore
public import NIOHTTP1

/// The way to the legacy API. The server asks; the shim answers.
///
/// Every call is made on `loop`, and every answer comes back on it.
public protocol LegacyGateway: Sendable {
    /// Streams one request to the legacy API and its answer back.
    ///
    /// - Parameter hasBody: Whether body parts will follow. `false` when the head says that there is none.
    /// - Returns: Where the request's body goes.
    func forward(
        _ head: HTTPRequestHead, hasBody: Bool, from origin: RequestOrigin, on loop: any EventLoop,
        answer: any LegacyAnswerWriter
    ) -> any LegacyRequestWriter

    /// Asks the legacy API to become a WebSocket, and hands over the connection when it does. Any other answer is passed on.
    ///
    /// - Parameter head: A handshake, without a body.
    func tunnel(
        _ head: HTTPRequestHead, from origin: RequestOrigin, on loop: any EventLoop, answer: any LegacyTunnelWriter
    ) -> any LegacyRequestWriter

    /// Asks for a polled URL with the caller's own headers: may this caller poll it, and what would it get?
    ///
    /// - Parameter target: Path and query, printable ASCII.
    /// - Returns: Fails with ``GatewayFailure``.
    func ask(
        _ target: String, headers: HTTPHeaders, from origin: RequestOrigin, on loop: any EventLoop
    ) -> EventLoopFuture<PollAnswer>

    /// As ``ask(_:headers:from:on:)``, for what a change has made of an answer: callers that are alike share one question, or the answer to
    /// one that was just put. It shows everything that was published on the URL's channels before the call.
    ///
    /// - Parameter isPoll: Whether the headers are a poll's, so that what they say of caches holds; browsers add to handshakes what nobody meant.
    func askTogether(
        _ target: String, headers: HTTPHeaders, isPoll: Bool, from origin: RequestOrigin, on loop: any EventLoop
    ) -> EventLoopFuture<PollAnswer>

    /// A held poll was answered: for whoever counts polls.
    func answered(_ held: HeldAnswer)

    /// Whether answers may be repeatable (``LegacyAnswerWriter/repeatable(_:)``).
    var hasRepeatableAnswers: Bool { get }

    /// Why the legacy API was not reachable lately; `nil` when it was, or nobody asked. For readiness.
    var trouble: String? { get }
}

extension LegacyGateway {
    public var hasRepeatableAnswers: Bool { false }

    public func answered(_ held: HeldAnswer) {}

    public func askTogether(
        _ target: String, headers: HTTPHeaders, isPoll: Bool, from origin: RequestOrigin, on loop: any EventLoop
    ) -> EventLoopFuture<PollAnswer> { ask(target, headers: headers, from: origin, on: loop) }
}

/// Takes a request's body towards the legacy API. Lives on the connection's loop.
public protocol LegacyRequestWriter: AnyObject {
    /// - Returns: `false` when no more should be read from the client until ``LegacyAnswerWriter/wantsBody()``.
    func body(_ part: ByteBuffer) -> Bool
    func end()
    /// The client is gone: the request to the legacy API is abandoned. Nothing is called after this.
    func cancel()
}

/// Takes the legacy API's answer towards the client. Lives on the connection's loop. The order is `head`, any number of
/// `body`, then `end` or `fail`; `fail` may also come first.
public protocol LegacyAnswerWriter: AnyObject {
    /// The request's body may go on. The first call says that the legacy API takes the body at all.
    func wantsBody()
    /// - Parameter head: Without hop-by-hop headers. Framing headers are the connection's business, except `content-length`.
    func head(_ head: HTTPResponseHead)
    /// - Returns: Succeeds when the client can take more; fails when it is gone.
    func body(_ part: ByteBuffer) -> EventLoopFuture<Void>
    func end()
    /// There is no answer, or it broke off.
    func fail(_ failure: GatewayFailure)
    /// Said before `head`: as long as `answer` says so, the same request is answered with the same bytes, and need not be passed on.
    func repeatable(_ answer: any RepeatableAnswer)
}

extension LegacyAnswerWriter {
    public func repeatable(_ answer: any RepeatableAnswer) {}
}

/// Knows whether an answer that was given still holds. Lives on the connection's loop.
public protocol RepeatableAnswer: AnyObject {
    /// The same client asks the same again.
    ///
    /// - Returns: Whether it is answered with the same; then it has been counted.
    func again() -> Bool
}

/// Takes the answer to a handshake. Lives on the connection's loop. `switched` comes alone, or the calls of ``LegacyAnswerWriter``.
public protocol LegacyTunnelWriter: LegacyAnswerWriter {
    /// The legacy API has switched protocols.
    ///
    /// - Parameters:
    ///   - head: 101, without hop-by-hop headers.
    ///   - channel: The connection, on the same loop and not reading yet. Its HTTP handlers go when this call has returned; before that
    ///     nothing may be written.
    /// - Returns: Whether the channel was taken; otherwise the caller closes it.
    func switched(_ head: HTTPResponseHead, to channel: any Channel) -> Bool
}

extension LegacyGateway {
    /// For gateways that switch no protocols: the handshake is a request like others.
    public func tunnel(
        _ head: HTTPRequestHead, from origin: RequestOrigin, on loop: any EventLoop, answer: any LegacyTunnelWriter
    ) -> any LegacyRequestWriter {
        let writer = forward(head, hasBody: false, from: origin, on: loop, answer: answer)
        writer.end()
        return writer
    }
}

/// Who sent a request.
public struct RequestOrigin: Sendable {
    /// The peer's address, without its port; `nil` for a socket that has none.
    public let address: String?
    /// Whether the request came over TLS.
    public let isTLS: Bool

    public init(address: String?, isTLS: Bool) {
        self.address = address
        self.isTLS = isTLS
    }
}

/// A whole answer of the legacy API to a poll.
public struct PollAnswer: Sendable {
    public let status: HTTPResponseStatus
    /// Without hop-by-hop headers.
    public let headers: HTTPHeaders
    /// Bounded by the gateway; `nil` when the answer was longer.
    public let body: ByteBuffer?
    /// How often the legacy API was asked for it: not at all for an answer from memory.
    public var originRequests = 1

    public init(status: HTTPResponseStatus, headers: HTTPHeaders, body: ByteBuffer?) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// What a poll was answered that could be held.
public struct HeldAnswer: Sendable {
    public let head: HTTPRequestHead
    public let origin: RequestOrigin
    public let poll: FeatureCatalog.Poll
    public let status: HTTPResponseStatus
    public let headers: HTTPHeaders
    public let body: ByteBuffer
    /// Where the log stood before the legacy API was asked for what was answered.
    public let position: Position?
    /// Requests to the legacy API that were made for it.
    public let originRequests: Int
    /// How long it was held, seconds; `nil`: it was answered at once.
    public let seconds: Double?
}

/// Why the legacy API gave no answer.
public struct GatewayFailure: Error, Sendable, CustomStringConvertible {
    /// What the client is answered when nothing was sent yet: 400, 502, 503 or 504.
    public let status: HTTPResponseStatus
    /// A sentence, without anything secret.
    public let reason: String

    public init(_ status: HTTPResponseStatus, _ reason: String) {
        self.status = status
        self.reason = reason
    }

    public var description: String { reason }
}
