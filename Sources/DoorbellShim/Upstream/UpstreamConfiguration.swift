public import NIOCore
package import NIOSSL

/// Where the legacy API is, and the limits of talking to it.
public struct UpstreamConfiguration: Sendable {
    /// `http://host:port` or `https://…`, with an optional path that is put before every request's.
    public var url: String
    /// For `https`. Default: the system's authorities.
    package var tls = TLSConfiguration.makeClientConfiguration()
    /// Default 5 s; then 504.
    public var connectTimeout: TimeAmount = .seconds(5)
    /// How long the legacy API may be silent, before its answer and within it. Default 60 s; then 504, or the client's
    /// connection is closed in the middle of an answer.
    public var answerTimeout: TimeAmount = .seconds(60)
    /// For questions on behalf of subscribers, altogether. Default 10 s.
    public var askTimeout: TimeAmount = .seconds(10)
    /// Requests to the legacy API at one time, over all event loops; also the most connections. Default 512.
    public var maximumRequests: Int = 512
    /// Requests that may wait for one of these places. Beyond it: 503 at once. Default 1024.
    public var maximumWaiting: Int = 1024
    /// How long a request may wait for a place. Default 10 s; then 503.
    public var waitTimeout: TimeAmount = .seconds(10)
    /// How long an unused connection is kept. Default 4 s: less than what common servers keep theirs (Node: 5 s), because a
    /// request on a connection that the other end is just closing fails, and is never sent twice.
    public var idleTimeout: TimeAmount = .seconds(4)
    /// Bytes of request body that are held while the legacy API is slow to take it, a connection. Default 64 KiB; then the
    /// client is not read from.
    public var requestBuffer: Int = 64 << 10
    /// Bytes of an answer that is kept for a subscriber. Default 1 MiB; a longer one is allowed, without its body.
    public var maximumAskBody: Int = 1 << 20
    /// Callers whose last poll is remembered, to see what changed. Default 10,000, some 100 bytes each; then the one that was
    /// longest silent is forgotten.
    public var rememberedPolls: Int = 10_000

    /// Bytes of answers that are kept for features with a cache, about. Default 64 MiB; then the one that was not used for longest
    /// leaves.
    public var cacheSize: Int = 64 << 20
    /// How long ago capture may have known everything, for an answer from memory. Default 3 s; then the legacy API is asked.
    public var cacheLag: Duration = .seconds(3)
    /// Bytes of a body that is kept. Default 1 MiB; longer ones pass.
    public var maximumKept: Int = 1 << 20

    public init(url: String) { self.url = url }
}
