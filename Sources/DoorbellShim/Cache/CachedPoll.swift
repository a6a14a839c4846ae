import AsyncHTTPClient
import DoorbellCore
import DoorbellServer
import NIOCore
import NIOHTTP1

/// One poll of a feature with a cache: answered from memory, by the legacy API, or with what another poll asks it for. Lives on the
/// connection's loop.
final class CachedPoll: LegacyRequestWriter {
    typealias Asking = SharedAnswers<CachedPolls.Waiter>.Asking

    private enum State {
        /// The request has not ended.
        case receiving
        /// Another poll asks the legacy API. Leaves when that has an answer, or by ``cancel()`` or ``expire()``.
        case waiting(SharedAnswers<CachedPolls.Waiter>.Waiting)
        /// The legacy API is asked, for those that wait as well.
        case asking(UpstreamExchange, Asking, CacheKey)
        /// The legacy API is asked, for this client alone.
        case passing(any LegacyRequestWriter)
        case over
    }

    private let upstream: HTTPUpstream
    private let cache: CachedPolls
    private let head: HTTPRequestHead
    private let poll: FeatureCatalog.Poll
    private let caching: Feature.Caching
    private let use: CacheRules.Use
    private let origin: RequestOrigin
    private let loop: any EventLoop
    private let client: any LegacyAnswerWriter
    /// `false`: the service asks after a change, which is no poll.
    private let isPoll: Bool
    /// What the key tells apart: others may have learnt more since.
    private var varying: [String] = []
    private let startedAt = NIODeadline.now()
    private var state = State.receiving
    /// Whether what is asked for shows every change.
    private var isSettled = true
    /// Of the answer that is asked for.
    private var watch: PollWatch?
    /// How often the legacy API was asked for this one.
    private(set) var originRequests = 0

    init(
        upstream: HTTPUpstream, cache: CachedPolls, head: HTTPRequestHead, poll: FeatureCatalog.Poll,
        caching: Feature.Caching, use: CacheRules.Use, from origin: RequestOrigin, on loop: any EventLoop,
        answer client: any LegacyAnswerWriter, isPoll: Bool = true
    ) {
        self.upstream = upstream
        self.cache = cache
        self.head = head
        self.poll = poll
        self.caching = caching
        self.use = use
        self.origin = origin
        self.loop = loop
        self.client = client
        self.isPoll = isPoll
    }

    /// There is none.
    func body(_ part: ByteBuffer) -> Bool { true }

    func end() { decide() }

    func cancel() {
        let before = state
        state = .over
        switch before {
        case .asking(let exchange, let asking, let key):
            exchange.cancel()
            cache.ended(asking, key: key, with: nil, .again)
        case .passing(let exchange): exchange.cancel()
        case .waiting(let place): cache.leave(place)
        case .receiving, .over: break
        }
    }

    /// The time for this question is over. An answer that has gone to the client alone since is not affected.
    func expire() {
        let failure = GatewayFailure(HTTPClientError.deadlineExceeded, address: upstream.address)
        let before = state
        state = .over
        switch before {
        case .asking(let exchange, let asking, let key):
            exchange.cancel()
            upstream.health.failed(failure.reason)
            cache.ended(asking, key: key, with: nil, .late(failure))
        case .passing(let exchange):
            exchange.cancel()
            upstream.health.failed(failure.reason)
        case .waiting(let place): cache.leave(place)
        case .receiving: break
        case .over: return
        }
        client.fail(failure)
    }

    /// What this poll waited for is there.
    func woken(_ outcome: CachedPolls.Outcome) {
        guard case .waiting = state else { return }
        switch outcome {
        case .answer(let kept):
            cache.metrics.answered(poll.feature, .collapsed)
            serve(kept, servedBy: .cache)
        case .failure(let failure):
            state = .over
            if isPoll { upstream.observer.failed(polled(guidance()), servedBy: .cache) }
            client.fail(failure)
        case .pass: pass()
        case .late(let failure) where !isPoll:
            state = .over
            client.fail(failure)
        case .again, .late: decide()
        }
    }

    // MARK: Deciding

    private func decide() {
        varying = cache.varying(of: poll.feature)
        let key = CacheKey(
            head, from: origin, identity: caching.identity, ignoring: caching.ignoredParameters, varying: varying)
        let request = SharedAnswers<CachedPolls.Waiter>.Request(
            key: key, writer: CacheKey(writer: head.headers), maxAge: caching.maxAge, use: use,
            mayAsk: head.method == .GET)
        let decision = cache.decide(
            request, channels: poll.channels,
            waiter: CachedPolls.Waiter(loop: loop, poll: NIOLoopBound(self, eventLoop: loop)))
        switch decision {
        case .answer(let kept):
            cache.metrics.answered(poll.feature, .hit)
            serve(kept, servedBy: .cache, for: use == .any ? request : nil)
        case .wait(let place): state = .waiting(place)
        case .ask(let asking): ask(asking, key)
        case .pass: pass()
        }
    }

    private func pass() {
        cache.metrics.answered(poll.feature, .passed)
        originRequests += 1
        let exchange = upstream.pass(
            head, hasBody: false, poll: isPoll ? poll : nil, from: origin, on: loop, answer: client)
        state = .passing(exchange)
        exchange.end()
    }

    private func ask(_ asking: Asking, _ key: CacheKey) {
        cache.metrics.answered(poll.feature, .miss)
        originRequests += 1
        isSettled = cache.isSettled(poll.channels, for: caching.settle)
        var question = head
        // The answer is for others as well, who may have nothing.
        question.headers.remove(name: "if-none-match")
        question.headers.remove(name: "if-modified-since")
        var direct = client
        if isPoll {
            let watch = upstream.watch(poll, head, from: origin, position: asking.position)
            self.watch = watch
            direct = WatchedAnswer(to: client, of: head, watch: watch, observer: upstream.observer, loop: loop)
        }
        let collected = CollectedAnswer(
            for: self, passingTo: direct, maximumBody: cache.configuration.maximumKept, loop: loop)
        let exchange = upstream.exchange(question, hasBody: false, from: origin, on: loop, answer: collected)
        state = .asking(exchange, asking, key)
        exchange.end()
    }

    // MARK: The legacy API's answer

    /// Whether the answer goes to this client alone.
    var isPassing: Bool { if case .passing = state { true } else { false } }

    /// - Returns: Whether the answer is to be collected; otherwise it goes to this client alone.
    func mayKeep(_ answer: HTTPResponseHead) -> Bool {
        switch CacheRules.keeping(
            answer.status, answer.headers, identity: caching.identity, known: varying,
            maximumBody: cache.configuration.maximumKept)
        {
        case .keep: return true
        case .pass: release(nil, .pass)
        case .passAll: mayKeepNone()
        case .vary(let names):
            cache.learn(varying: names, of: poll.feature)
            release(nil, .again)
        }
        return false
    }

    /// It may not be kept, and neither will the next ones.
    func mayKeepNone() {
        release(.passes(until: .now + min(caching.maxAge, CachedPolls.passingTime)), .pass)
    }

    func collected(_ headers: HTTPHeaders, _ body: ByteBuffer) {
        guard case .asking(_, let asking, let key) = state else { return }
        let kept = KeptAnswer(headers, body: body, position: asking.position, askedAt: asking.at)
        // First, so that whoever is told by this client finds it.
        cache.ended(asking, key: key, with: isSettled ? .answer(kept) : nil, .answer(kept))
        if var watch {
            // With the tag that the client is given, by which it asks the next time.
            var answer = HTTPResponseHead(version: .http1_1, status: .ok, headers: kept.headers)
            watch.began(&answer)
            watch.passed(body)
            watch.compare(upstream.observer)
        }
        serve(kept, servedBy: .origin)
    }

    func failed(_ failure: GatewayFailure) {
        guard case .asking(_, let asking, let key) = state else { return }
        state = .over
        if let watch { upstream.observer.failed(watch.request) }
        cache.ended(asking, key: key, with: nil, .failure(failure))
        client.fail(failure)
    }

    private func release(_ result: AnswerCache.Remembered?, _ outcome: CachedPolls.Outcome) {
        guard case .asking(let exchange, let asking, let key) = state else { return }
        state = .passing(exchange)
        cache.ended(asking, key: key, with: result, outcome)
    }

    // MARK: Answering

    private func guidance() -> PollGuidance {
        upstream.guidance(poll, headers: head.headers, from: origin)
    }

    private func polled(_ guidance: PollGuidance) -> PolledRequest {
        PolledRequest(
            poll, head, guidance: guidance, caller: upstream.observer.caller(poll.feature, head.headers, from: origin))
    }

    /// - Parameter request: What was decided on, where the same request may be answered so again.
    private func serve(
        _ kept: KeptAnswer, servedBy: ServedBy, for request: SharedAnswers<CachedPolls.Waiter>.Request? = nil
    ) {
        state = .over
        guard isPoll else {
            client.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: kept.headers))
            _ = client.body(kept.body)
            return client.end()
        }
        let guidance = guidance()
        let isHeld = kept.isHeld(by: head.headers)
        var headers = isHeld ? kept.notModified : kept.headers
        PollHeaders.decorate(
            &headers, feature: poll.feature, position: kept.position, guidance: guidance,
            milliseconds: Double((NIODeadline.now() - startedAt).nanoseconds) / 1e6, servedBy: servedBy)
        let answer = HTTPResponseHead(version: .http1_1, status: isHeld ? .notModified : .ok, headers: headers)
        let hasBody = !isHeld && head.method == .GET && kept.body.readableBytes > 0
        let given = GivenAnswer(
            kept, to: polled(guidance), head.headers, from: origin, answer, hasBody: hasBody, guidance: guidance,
            servedBy: servedBy)
        given.count(upstream.observer)
        if let request {
            client.repeatable(RepeatedPoll(given, request: request, upstream: upstream, cache: cache))
        }
        client.head(answer)
        if hasBody { _ = client.body(kept.body) }
        client.end()
    }
}

@available(*, unavailable)
extension CachedPoll: Sendable {}
