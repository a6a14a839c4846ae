import DoorbellCore

/// Who is answered from memory, who asks the legacy API, and who waits for the one that does. Pure: the hub is asked through a closure, time is
/// an argument.
///
/// *An answer is good* while nothing was published on its URL's channels after the position that was noted before the legacy API was asked. It holds
/// everything that was committed before ``WriteFences/covered``, because what is committed before that has been published; so it is never
/// older than that moment, and it is used only while that moment is at most `lag` ago.
struct SharedAnswers<Waiter> {
    enum Decision {
        case answer(KeptAnswer)
        /// Ask the legacy API; ``ended(_:key:with:)`` is owed.
        case ask(Asking)
        /// Wait for somebody who asks already; ``leave(_:)`` ends it sooner.
        case wait(Waiting)
        /// Ask the legacy API, as if there were no cache.
        case pass
    }

    struct Asking {
        fileprivate let number: UInt64
        let position: Position
        let at: ContinuousClock.Instant
    }

    /// A place among those that wait for one answer.
    struct Waiting {
        fileprivate let asking: UInt64
        fileprivate let number: UInt64
    }

    /// Polls that wait for one answer; more ask for themselves.
    static var maximumWaiting: Int { 4096 }

    private var cache: AnswerCache
    private let lag: Duration
    private var fences = WriteFences()
    private var isLive = false
    /// By what they ask for: the one that began last.
    private var asking: [CacheKey: Asking] = [:]
    /// By the number of the one that asks, and by their own; at most ``maximumWaiting`` each.
    private var waiting: [UInt64: [UInt64: Waiter]] = [:]
    private var lastNumber: UInt64 = 0

    /// - Parameters:
    ///   - capacity: Bytes.
    ///   - lag: How long ago capture may have known everything, for an answer from memory.
    init(capacity: Int, lag: Duration) {
        cache = AnswerCache(capacity: capacity)
        self.lag = lag
    }

    var bytes: Int { cache.bytes }
    var count: Int { cache.count }

    // MARK: Capture and writers

    mutating func captureChanged(isLive: Bool) { self.isLive = isLive }
    mutating func covered(before moment: ContinuousClock.Instant) { fences.covered(before: moment) }
    mutating func wrote(_ writer: CacheKey?, at now: ContinuousClock.Instant) { fences.wrote(writer, at: now) }

    // MARK: Polls

    struct Request {
        let key: CacheKey
        /// Who asks, as ``WriteFences`` knows writers.
        let writer: CacheKey
        let maxAge: Duration
        let use: CacheRules.Use
        /// Whether the request's own answer can be kept; otherwise it neither asks for others nor waits for them.
        let mayAsk: Bool
    }

    /// - Parameters:
    ///   - head: Where the log stands; `nil` while it is not open.
    ///   - isUnchanged: Whether nothing was published on the URL's channels after a position.
    ///   - waiter: Kept when the decision is to wait.
    mutating func decide(
        _ request: Request, head: Position?, now: ContinuousClock.Instant, waiter: @autoclosure () -> Waiter,
        isUnchanged: (Position) -> Bool
    ) -> Decision {
        guard isLive, let covered = fences.covered, now - covered <= lag, let head, request.use != .none else {
            // Whoever is answered now may see more than what is kept shows, and does not go back behind it later.
            cache.forget(request.key)
            asking[request.key] = nil
            return .pass
        }
        let bar = fences.bar(for: request.writer)
        func isGood(_ position: Position, _ askedAt: ContinuousClock.Instant) -> Bool {
            Self.isGood(position, askedAt, request.maxAge, bar, now, isUnchanged)
        }
        if request.use == .any {
            switch cache.value(for: request.key) {
            case .answer(let kept)? where isGood(kept.position, kept.askedAt): return .answer(kept)
            case .passes(let until)? where now < until: return .pass
            case .answer?, .passes?, nil: break
            }
            guard request.mayAsk else { return .pass }
            if let running = asking[request.key], isGood(running.position, running.at) {
                guard waiting[running.number]?.count ?? 0 < Self.maximumWaiting else { return .pass }
                lastNumber += 1
                waiting[running.number, default: [:]][lastNumber] = waiter()
                return .wait(Waiting(asking: running.number, number: lastNumber))
            }
        }
        guard request.mayAsk else { return .pass }
        lastNumber += 1
        let began = Asking(number: lastNumber, position: head, at: now)
        asking[request.key] = began
        return .ask(began)
    }

    /// Whether a request that was answered with `kept` is answered with it again.
    mutating func isStill(
        _ kept: KeptAnswer, for request: Request, now: ContinuousClock.Instant, isUnchanged: (Position) -> Bool
    ) -> Bool {
        guard isLive, let covered = fences.covered, now - covered <= lag,
            case .answer(let known)? = cache.value(for: request.key), known === kept
        else { return false }
        let bar = fences.bar(for: request.writer)
        return Self.isGood(kept.position, kept.askedAt, request.maxAge, bar, now, isUnchanged)
    }

    private static func isGood(
        _ position: Position, _ askedAt: ContinuousClock.Instant, _ maxAge: Duration, _ bar: ContinuousClock.Instant?,
        _ now: ContinuousClock.Instant, _ isUnchanged: (Position) -> Bool
    ) -> Bool {
        now - askedAt < maxAge && bar.map { askedAt > $0 } ?? true && isUnchanged(position)
    }

    /// One that waits does so no longer.
    mutating func leave(_ place: Waiting) {
        waiting[place.asking]?[place.number] = nil
        if waiting[place.asking]?.isEmpty == true { waiting[place.asking] = nil }
    }

    /// The legacy API has answered, or will not.
    ///
    /// - Parameter result: `nil`: nothing is known.
    /// - Returns: Those that waited for it, in the order of their coming.
    mutating func ended(_ ended: Asking, key: CacheKey, with result: AnswerCache.Remembered?) -> [Waiter] {
        if asking[key]?.number == ended.number { asking[key] = nil }
        switch result {
        case .answer(let kept)?:
            // Answers may overtake each other.
            if case .answer(let other)? = cache.value(for: key), other.askedAt > kept.askedAt { break }
            cache.keep(.answer(kept), for: key)
        case .passes?: if let result { cache.keep(result, for: key) }
        case nil: break
        }
        return (waiting.removeValue(forKey: ended.number) ?? [:]).sorted { $0.key < $1.key }.map(\.value)
    }
}
