/// How long to wait before the next try to connect: doubling, with jitter, between two bounds.
struct Backoff: Sendable {
    /// Before the second try.
    let shortest: Duration
    /// Never longer than this.
    let longest: Duration
    private(set) var failures = 0

    init(shortest: Duration = .milliseconds(50), longest: Duration = .seconds(5)) {
        self.shortest = shortest
        self.longest = longest
    }

    /// One more failure. `jitter` is from 0 to 1: half of the wait is random, so that many services that lost one database
    /// do not come back in step.
    mutating func next(jitter: Double) -> Duration {
        let doublings = min(failures, 20)
        failures += 1
        let whole = min(longest, shortest * (1 << doublings))
        return whole / 2 + whole / 2 * max(0, min(1, jitter))
    }

    mutating func succeeded() { failures = 0 }
}
