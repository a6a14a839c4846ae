public import AsyncHTTPClient
import DoorbellCore
public import NIOCore
public import NIOPosix

/// Feeds of one user: those of one origin share a WebSocket.
///
/// A connection speaks for whoever opened it. When somebody else signs in, close this client and make another one.
public final class LiveClient: Sendable {
    /// How a token travels with the handshake; polls always carry it as `Authorization: Bearer`.
    public enum TokenCarrier: Sendable {
        /// `Authorization: Bearer`.
        case header
        /// The subprotocol `bearer.<token>`, where something on the way takes headers out.
        case subprotocol
    }

    /// Who the client is, and what it uses.
    public struct Settings: Sendable {
        /// For polls and the handshake, such as `Cookie`.
        public var headers: [(String, String)] = []
        /// Gets a token; called anew when one was refused or ends soon.
        public var token: (@Sendable () async throws -> String)?
        public var tokenCarrier = TokenCarrier.header
        /// Where the WebSocket is; `nil`: `/_doorbell/ws` of the feed's origin.
        public var socketURL: String?
        /// For polls. Follows redirects, trusts certificates and uses proxies as it was made to. One of your own should not retry
        /// connections by itself (`connectionPool.retryConnectionEstablishment`): the next poll does.
        public var httpClient = LiveClient.httpClient
        /// For the WebSocket.
        public var connection = ConnectionOptions()
        /// Of one poll's body, in bytes, at most 2 GiB; a longer one is a failed poll.
        public var maximumBodySize = 64 << 20

        /// Messages may be as long as poll bodies: 64 MiB.
        public init() { connection.maximumMessageSize = 64 << 20 }
    }

    /// For all clients that bring none of their own; lives as long as the process. A poll that cannot connect fails at once.
    public static let httpClient: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
    }()

    private struct Origin: Hashable {
        let isSecure: Bool
        let host: String
        let port: Int
    }

    /// Everything that happens, happens on the loop.
    private final class Core {
        let settings: Settings
        let loop: any EventLoop
        let tokens: TokenKeeper
        var drivers: [Origin: OriginDriver] = [:]

        init(_ settings: Settings, _ loop: any EventLoop) {
            self.settings = settings
            self.loop = loop
            tokens = TokenKeeper(source: settings.token, loop: loop)
        }

        func driver(_ origin: Origin, _ url: WebSocketURL) -> OriginDriver {
            if let driver = drivers[origin] { return driver }
            let socketURL =
                settings.socketURL ?? "\(url.isSecure ? "wss" : "ws")://\(url.hostHeader)/_doorbell/ws"
            let driver = OriginDriver(loop: loop, client: settings, socketURL: socketURL, tokens: tokens)
            drivers[origin] = driver
            return driver
        }
    }

    /// A feed's parts: where its news go, and what makes it do something.
    typealias Parts = (sink: FeedSink, perform: @Sendable (LiveFeed.Action) -> Void)

    private let loop: any EventLoop
    private let core: NIOLoopBoundBox<Core>
    private let last = Locked(0)

    public init(
        _ settings: Settings = Settings(), group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        let loop = group.next()
        self.loop = loop
        core = .makeBoxSendingValue(Core(settings, loop), eventLoop: loop)
    }

    /// Follows a URL: polls it as a loop would, is pushed to while the server says so and push is proven to work.
    ///
    /// - Parameters:
    ///   - url: `http` or `https`. For another one, the iterations of the feed throw ``FeedError/invalidURL(_:)``.
    ///   - interval: Between two polls; 50 ms to a day.
    ///   - rows: How row changes are applied to the state. `nil`: after a change the state is fetched.
    ///   - headers: For the polls of this feed, beside those of the client.
    public func feed(
        _ url: String, interval: Duration = .seconds(3), rows: RowList? = nil, options: FeedOptions = FeedOptions(),
        headers: [(String, String)] = []
    ) -> LiveFeed {
        LiveFeed(url: url, begin(url, interval, rows, options, headers))
    }

    func begin(
        _ url: String, _ interval: Duration, _ rows: RowList?, _ options: FeedOptions, _ headers: [(String, String)]
    ) -> Parts {
        let sink = FeedSink()
        let scheme = url.prefix { $0 != ":" }.lowercased()
        guard scheme == "http" || scheme == "https", let parsed = WebSocketURL(url) else {
            sink.end(.invalidURL(url))
            return (sink, { _ in })
        }
        let id = last.withLock {
            $0 += 1
            return $0
        }
        let origin = Origin(isSecure: parsed.isSecure, host: parsed.host.lowercased(), port: parsed.port)
        let (core, loop) = (core, loop)
        let perform: @Sendable (@escaping @Sendable (OriginDriver) -> Void) -> Void = { action in
            loop.execute { action(core.value.driver(origin, parsed)) }
        }
        sink.onClose { perform { $0.close(id) } }
        let address = String(url.prefix { $0 != "#" })
        perform { driver in
            driver.begin(id, url: address, headers: headers, sink: sink) { now in
                FeedMachine(
                    target: parsed.target, interval: interval, rows: rows, options: options, now: now,
                    random: { Double.random(in: 0..<1) })
            }
        }
        return (
            sink,
            { action in
                perform { driver in
                    switch action {
                    case .close: driver.close(id)
                    case .listen: driver.listen(id)
                    case .refresh(let waiting): driver.refresh(id, waiting)
                    }
                }
            }
        )
    }

    /// Ends all feeds, and waits until their connections are closed.
    public func close() async {
        let core = core
        let closed = loop.submit { core.value.drivers.values.compactMap { $0.closeAll() } }
        guard let closed = try? await closed.get() else { return }
        for each in closed { _ = try? await each.get() }
    }
}
