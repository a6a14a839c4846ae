public import DoorbellCore
import DoorbellWire
public import NIOCore
public import NIOPosix

/// A subscription that survives its connections: it reconnects with full-jitter backoff, resumes where it stopped, checks that
/// each message follows the one before it, and says so when something was lost.
public struct DoorbellSession: Sendable {
    public enum Target: Hashable, Sendable {
        case channel(String)
        /// A polled path with its query.
        case poll(String)
    }

    public enum Event: Sendable {
        /// A connection is open and the `subscribe` is on its way.
        case connected
        /// The server's `subscribed`; its snapshot, if any, is in the message.
        case subscribed(ReceivedMessage)
        /// A message of a channel, in order, each once.
        case message(ReceivedMessage)
        /// The message's `previous` is newer than what was seen: something is missing. The message itself is here too.
        case gap(ReceivedMessage, known: Position, previous: Position)
        /// Messages were lost for good (slow consumer, history gone): fetch again. The stream goes on.
        case reset(ReceivedMessage, reason: String)
        /// Everything else that the server said.
        case other(ReceivedMessage)
        /// The connection ended, or could not be made; the next attempt comes after `retryIn`.
        case disconnected(reason: String, retryIn: Duration)
    }

    /// Why a session ended by itself.
    public enum Failure: Error, Sendable, CustomStringConvertible {
        /// The server refused the subscription.
        case refused(String)
        /// The connection ended in a way after which clients do not reconnect.
        case ended(ConnectionEnd)

        public var description: String {
            switch self {
            case .refused(let reason): "the server refused the subscription: \(reason)"
            case .ended(let end): "the server ended the connection: \(end)"
            }
        }
    }

    public var url: String
    public var target: Target
    /// Where to begin: a position, `earliest`, or `nil` for `latest`.
    public var since: String?
    public var versions: [SchemaVersion]
    public var headers: [(String, String)]
    public var subprotocols: [String]
    public var options: ConnectionOptions
    public var backoff: Backoff

    public init(
        url: String, target: Target, since: String? = nil, versions: [SchemaVersion] = [],
        headers: [(String, String)] = [], subprotocols: [String] = ["doorbell.v1"],
        options: ConnectionOptions = ConnectionOptions(), backoff: Backoff = Backoff()
    ) {
        self.url = url
        self.target = target
        self.since = since == "latest" ? nil : since
        self.versions = versions
        self.headers = headers
        self.subprotocols = subprotocols
        self.options = options
        self.backoff = backoff
    }

    /// Follows until the task is cancelled, `handle` throws, or the server refuses for good.
    ///
    /// `handle` is called with one event after the other; while it works nothing is read beyond the connection's buffer.
    ///
    /// - Throws: ``Failure``, a ``ConnectError`` after which trying again makes no sense, `CancellationError`, or what `handle`
    ///   threw.
    public func run(
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        _ handle: (Event) async throws -> Void
    ) async throws {
        var tracker = SubscriptionTracker(since: since)
        var backoff = backoff
        var generator = SystemRandomNumberGenerator()
        while true {
            var reconnectAfter: Duration?
            let reason: String
            switch try await connect(group) {
            case .failure(let failure): reason = failure.reason
            case .success(let connection):
                let start = ContinuousClock.now
                var heartbeat = Duration.seconds(25)
                let end = try await withTaskCancellationHandler {
                    do {
                        return try await follow(connection, &tracker, &heartbeat, &reconnectAfter, handle)
                    } catch {
                        await connection.close()
                        throw error
                    }
                } onCancel: {
                    connection.startClosing()
                }
                try Task.checkCancellation()
                if ContinuousClock.now - start >= heartbeat { backoff.reset() }
                reason = end
            }
            // The server's own word is already spread out.
            let wait = reconnectAfter ?? backoff.next(using: &generator)
            try await handle(.disconnected(reason: reason, retryIn: wait))
            try await Task.sleep(for: wait)
        }
    }

    private struct Unreachable: Error { let reason: String }

    /// - Throws: What trying again cannot help.
    private func connect(_ group: any EventLoopGroup) async throws -> Result<DoorbellConnection, Unreachable> {
        do {
            return .success(
                try await DoorbellConnection.connect(
                    to: url, headers: headers, subprotocols: subprotocols, group: group, options: options))
        } catch let error as ConnectError where error.mayRetry {
            return .failure(Unreachable(reason: error.description))
        } catch let error as any NetworkFailure {
            return .failure(Unreachable(reason: NetworkProblem.sentence(error)))
        }
    }

    /// Subscribes and hands out what comes until the connection is over.
    ///
    /// - Returns: Why it ended, when another one may be tried.
    private func follow(
        _ connection: DoorbellConnection, _ tracker: inout SubscriptionTracker, _ heartbeat: inout Duration,
        _ reconnectAfter: inout Duration?, _ handle: (Event) async throws -> Void
    ) async throws -> String {
        let request: [UInt8]
        let id = SubscriptionTracker.requestID
        switch target {
        case .channel(let name):
            request = ClientRequest.subscribe(
                to: .channel(name), since: tracker.resumePoint, versions: versions, id: id)
        case .poll(let path):
            request = ClientRequest.subscribe(to: .poll(path), since: tracker.resumePoint, versions: versions, id: id)
        }
        // A connection that is lost while we write says so by ending.
        connection.write(request).whenFailure { _ in }
        connection.watch(heartbeat: .nanoseconds(heartbeat.nanoseconds))
        try await handle(.connected)
        for await text in connection.messages {
            for message in ReceivedMessage(text)?.each ?? [] {
                if message.type == "welcome", let seconds = message.heartbeat, (1...3600).contains(seconds) {
                    heartbeat = .seconds(seconds)
                    connection.watch(heartbeat: .seconds(seconds))
                }
                switch tracker.receive(message) {
                case .message: try await handle(.message(message))
                case .repeated: break
                case .gap(let known, let previous): try await handle(.gap(message, known: known, previous: previous))
                case .subscribed: try await handle(.subscribed(message))
                case .reset(let reason): try await handle(.reset(message, reason: reason))
                case .refused(let reason, mayRetry: false): throw Failure.refused(reason)
                case .refused(let reason, mayRetry: true):
                    await connection.close()
                    return reason
                case .goodbye(let wait):
                    reconnectAfter = wait
                    try await handle(.other(message))
                case .other: try await handle(.other(message))
                }
            }
        }
        let end = await connection.waitForClose()
        guard end.mayReconnect || Task.isCancelled else { throw Failure.ended(end) }
        return end.description
    }
}

/// What the network throws while it is away: worth trying again, unlike a wrong certificate.
private protocol NetworkFailure: Error {}
extension IOError: NetworkFailure {}
extension NIOConnectionError: NetworkFailure {}
extension ChannelError: NetworkFailure {}

extension Duration {
    /// Rounded towards zero; up to 292 years.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
