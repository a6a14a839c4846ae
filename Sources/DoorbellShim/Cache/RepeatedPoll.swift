import DoorbellServer

/// An answer from memory that the same client may get again. Lives on the connection's loop.
final class RepeatedPoll: RepeatableAnswer {
    private let given: GivenAnswer
    private let request: SharedAnswers<CachedPolls.Waiter>.Request
    private let upstream: HTTPUpstream
    private let cache: CachedPolls

    init(
        _ given: GivenAnswer, request: SharedAnswers<CachedPolls.Waiter>.Request, upstream: HTTPUpstream,
        cache: CachedPolls
    ) {
        self.given = given
        self.request = request
        self.upstream = upstream
        self.cache = cache
    }

    func again() -> Bool {
        let feature = given.poll.feature
        guard cache.isStill(given.kept, for: request, channels: given.poll.channels),
            upstream.guidance(given.poll, headers: given.request, from: given.origin) == given.guidance
        else { return false }
        cache.metrics.answered(feature, .hit)
        given.count(upstream.observer)
        return true
    }
}

@available(*, unavailable)
extension RepeatedPoll: Sendable {}
