/// A rate limit that allows bursts. Pure; time is seconds on any steady clock. Its rate is the caller's, because every client has the same.
struct TokenBucket {
    private var tokens: Double
    private var filledAt: Double

    /// - Parameter capacity: The bucket begins full.
    init(capacity: Double, now: Double) {
        self.tokens = max(1, capacity)
        self.filledAt = now
    }

    /// Takes one token. `false` when there is none.
    ///
    /// - Parameters:
    ///   - rate: Tokens a second.
    ///   - capacity: The largest burst.
    mutating func take(rate: Double, capacity: Double, now: Double) -> Bool {
        tokens = min(max(1, capacity), tokens + max(0, now - filledAt) * rate)
        filledAt = max(filledAt, now)
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
