import CoreMetrics
public import DoorbellAuth
public import DoorbellCore
import Logging

extension Configuration {
    /// How clients say who they are by a token.
    public struct Authentication: Sendable {
        /// Which tokens are good.
        public var tokens: TokenConfiguration
        /// Where a handshake may carry its token. Default: everywhere but in a cookie and in the query.
        public var places = TokenSourceConfiguration()
        /// Whether everybody needs one, but on the URL of a public feature. Default `false`.
        public var isRequired = false
        /// How long a WebSocket may be open without a token where one is required. From 1 s to 10 min. Default 10 s.
        public var deadline: Duration = .seconds(10)

        public init(tokens: TokenConfiguration) { self.tokens = tokens }

        /// Reads the keys, but for those behind a URL, which may be away for a while.
        public func check() throws(DoorbellError) {
            if case .jwksURL = tokens.keys { return }
            _ = try TokenVerifier(
                tokens, logger: Logger(label: "doorbell") { _ in SwiftLogNoOpLogHandler() },
                metrics: NOOPMetricsHandler.instance, now: SystemClock.now)
        }
    }
}
