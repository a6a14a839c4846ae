import AsyncHTTPClient
import DoorbellAuth
import DoorbellCore
import Logging
import NIOCore
import ServiceLifecycle

/// The keys for tokens, kept fresh for as long as the service runs.
struct TokenKeys: Service {
    let verifier: TokenVerifier
    /// For a key set behind a URL.
    private let client: HTTPClient?

    /// - Throws: ``DoorbellError`` when a key file is wrong. A key set behind a URL may come later.
    init(_ configuration: TokenConfiguration, group: any EventLoopGroup, logger: Logger) throws(DoorbellError) {
        var client: HTTPClient?
        if case .jwksURL = configuration.keys {
            var settings = HTTPClient.Configuration()
            settings.redirectConfiguration = .disallow
            client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: settings)
        }
        self.client = client
        // Only files and secrets fail, and they need no client that would have to be shut down.
        verifier = try TokenVerifier(configuration, httpClient: client, logger: logger, now: SystemClock.now)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { try? await verifier.run() }
    }

    /// After ``run()``, and when it is never called.
    func shutdown() async { try? await client?.shutdown() }
}
