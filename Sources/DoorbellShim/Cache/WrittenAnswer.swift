import DoorbellServer
import NIOCore
import NIOHTTP1

/// A write's answer on its way to the client: before the client knows of it, what was asked for earlier is no longer shown to that client.
/// Lives on the connection's loop.
final class WrittenAnswer: LegacyAnswerWriter {
    private let client: any LegacyAnswerWriter
    private let cache: CachedPolls
    private var writer: CacheKey?
    private var isOver = false

    init(to client: any LegacyAnswerWriter, of request: HTTPHeaders, cache: CachedPolls) {
        self.client = client
        self.cache = cache
        self.writer = CacheKey(writer: request)
    }

    func wantsBody() { client.wantsBody() }

    func head(_ head: HTTPResponseHead) {
        // The client goes on with other credentials.
        if head.headers.contains(name: "set-cookie") { writer = nil }
        cache.wrote(writer)
        client.head(head)
    }

    func body(_ part: ByteBuffer) -> EventLoopFuture<Void> { client.body(part) }

    /// The client has given up, and it may have been done nevertheless.
    deinit {
        if !isOver { cache.wrote(writer) }
    }

    func end() {
        isOver = true
        cache.wrote(writer)
        client.end()
    }

    func fail(_ failure: GatewayFailure) {
        // It may have been done nevertheless.
        isOver = true
        cache.wrote(writer)
        client.fail(failure)
    }
}

@available(*, unavailable)
extension WrittenAnswer: Sendable {}
