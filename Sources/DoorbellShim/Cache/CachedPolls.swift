import DoorbellCore
import DoorbellHub
import DoorbellServer
import NIOCore
import NIOHTTP1

/// The cache of all event loops: ``SharedAnswers`` behind a lock that is held for a look and no longer.
final class CachedPolls: Sendable {
    /// A poll that waits for another's answer, on its own loop.
    struct Waiter: Sendable {
        let loop: any EventLoop
        let poll: NIOLoopBound<CachedPoll>
    }

    /// What becomes of those that waited.
    enum Outcome: Sendable {
        case answer(KeptAnswer)
        case failure(GatewayFailure)
        /// Each asks for itself.
        case pass
        /// Whoever asked has gone, or asked for something narrower.
        case again
        /// Whoever asked had less time than polls have. Polls ask again, and other questions have failed with it.
        case late(GatewayFailure)
    }

    /// How long nobody waits for another's answer to what may not be kept.
    static let passingTime = Duration.seconds(10)

    let configuration: UpstreamConfiguration
    let metrics: CacheMetrics
    private let hub: Hub
    private let now: @Sendable () -> Timestamp
    private let shared: Locked<SharedAnswers<Waiter>>
    /// What answers of each feature were said to vary by, besides what is in every key. At most ``CacheRules/maximumVarying``.
    private let varying: [ObjectIdentifier: Locked<[String]>]

    /// For what is asked after changes where polls are not answered from memory: as long as it takes all loops to ask.
    static let ofQuestions = Feature.Caching(maxAge: .seconds(2))

    /// `nil`: no feature has a cache, and none tells answers.
    init?(
        features: [Feature], hub: Hub, configuration: UpstreamConfiguration, now: @escaping @Sendable () -> Timestamp
    ) {
        let cached = features.filter { $0.cache != nil || $0.mode == .answer }
        guard !cached.isEmpty else { return nil }
        self.configuration = configuration
        self.hub = hub
        self.now = now
        metrics = CacheMetrics(features: cached)
        shared = Locked(SharedAnswers(capacity: configuration.cacheSize, lag: configuration.cacheLag))
        varying = Dictionary(uniqueKeysWithValues: cached.map { (ObjectIdentifier($0), Locked([])) })
    }

    func captureChanged(isLive: Bool) { shared.withLock { $0.captureChanged(isLive: isLive) } }
    func covered(before moment: ContinuousClock.Instant) { shared.withLock { $0.covered(before: moment) } }

    /// - Parameter writer: `nil`: its writer may have become somebody else by it.
    func wrote(_ writer: CacheKey?) {
        let now = ContinuousClock.now
        shared.withLock { $0.wrote(writer, at: now) }
    }

    // MARK: Polls

    /// What keys of `feature` tell apart besides.
    func varying(of feature: Feature) -> [String] { varying[ObjectIdentifier(feature)]?.withLock { $0 } ?? [] }

    func learn(varying names: [String], of feature: Feature) {
        varying[ObjectIdentifier(feature)]?.withLock { known in
            for name in names where !known.contains(name) && known.count < CacheRules.maximumVarying {
                known.append(name)
            }
        }
    }

    func decide(
        _ request: SharedAnswers<Waiter>.Request, channels: [ChannelName], waiter: @autoclosure () -> Waiter
    ) -> SharedAnswers<Waiter>.Decision {
        // Before everything else: what is found afterwards is no older.
        let now = ContinuousClock.now
        let head = hub.head
        return shared.withLock { shared in
            shared.decide(request, head: head, now: now, waiter: waiter()) { position in
                hub.isUnchanged(channels, since: position)
            }
        }
    }

    /// A poll that waited is over.
    func leave(_ place: SharedAnswers<Waiter>.Waiting) { shared.withLock { $0.leave(place) } }

    /// Whether a request that was answered with `kept` is answered with it again.
    func isStill(_ kept: KeptAnswer, for request: SharedAnswers<Waiter>.Request, channels: [ChannelName]) -> Bool {
        let now = ContinuousClock.now
        return shared.withLock { shared in
            shared.isStill(kept, for: request, now: now) { hub.isUnchanged(channels, since: $0) }
        }
    }

    /// Whether the last change on `channels` was so long ago that the legacy API shows it for certain. To be asked before that API is.
    func isSettled(_ channels: [ChannelName], for duration: Duration) -> Bool {
        guard duration > .zero, let changed = hub.newestCommit(on: channels) else { return true }
        return now().seconds(since: changed) >= duration / .seconds(1)
    }

    /// Whoever asked the legacy API tells what came of it; those that waited go on, each on its own loop.
    func ended(
        _ asking: SharedAnswers<Waiter>.Asking, key: CacheKey, with result: AnswerCache.Remembered?, _ outcome: Outcome
    ) {
        let (waiters, bytes, count) = shared.withLock { shared in
            let waiters = shared.ended(asking, key: key, with: result)
            return (waiters, shared.bytes, shared.count)
        }
        if result != nil { metrics.holds(bytes: bytes, answers: count) }
        for waiter in waiters { waiter.loop.execute { waiter.poll.value.woken(outcome) } }
    }
}
