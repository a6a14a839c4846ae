public import AsyncHTTPClient
public import CoreMetrics
public import DoorbellCore
public import Logging

extension TokenVerifier {
    /// Loads keys from a secret or a file at once; a URL is left to ``run()``.
    ///
    /// - Parameters:
    ///   - httpClient: For ``TokenConfiguration/KeySource/jwksURL(_:)``; its owner shuts it down. Answers by redirect are refused.
    ///   - now: The wall clock, for loads of keys.
    /// - Throws: ``DoorbellError`` of the code `configuration` when the configuration or the file is wrong.
    public convenience init(
        _ configuration: TokenConfiguration, httpClient: HTTPClient? = nil, logger: Logger,
        metrics: any MetricsFactory = MetricsSystem.factory, now: @escaping @Sendable () -> Timestamp
    ) throws(DoorbellError) {
        try self.init(
            configuration, fetcher: httpClient.map { HTTPKeySetFetcher(client: $0) }, logger: logger, metrics: metrics,
            now: now)
    }
}
