/// A rate limit that allows bursts. Pure; time is seconds on any steady clock.
struct TokenBucket {
    private let rate: Double
    private let capacity: Double
    private var tokens: Double
    private var filledAt: Double

    /// - Parameters:
    ///   - rate: Tokens a second.
    ///   - capacity: The largest burst; the bucket begins full.
    init(rate: Double, capacity: Double, now: Double) {
        self.rate = rate
        self.capacity = max(1, capacity)
        self.tokens = self.capacity
        self.filledAt = now
    }

    /// Takes one token. `false` when there is none.
    mutating func take(now: Double) -> Bool {
        tokens = min(capacity, tokens + max(0, now - filledAt) * rate)
        filledAt = max(filledAt, now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
