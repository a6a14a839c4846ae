/// Somebody in a made-up access log, of whom it is known whether they poll.
public struct LogActor: Sendable {
    public enum Habit: Sendable {
        /// A timer, with gaps that differ by a share of the period; it may be throttled to once a minute, or stop for some time.
        case poll(period: Double, jitter: Double, throttled: Bool, pauses: Bool)
        /// Follows links: other URLs at times that know nothing of each other, each with some files.
        case click(mean: Double)
        /// Fetches one page after the other, with a fixed distance.
        case crawl(delay: Double)
        /// Looks at one page again and again, at times of all lengths.
        case reload(mean: Double)
        /// Opens a page that asks for the same URL several times at once.
        case burst(mean: Double)
        /// Sends something.
        case upload(mean: Double)
        /// Asks for what is not there.
        case scan(mean: Double)
    }

    public let habit: Habit
    public let address: String
    public let agent: String
    /// The URL that is asked for. `#` in it is a number that changes each time: the time, for those that add it against caches.
    public let target: String
    /// Seconds from the begin of the log.
    public let arrival: Double
    public let departure: Double
    /// Chance that an answer differs from the one before.
    public let change: Double
    /// Actors of the same address, agent and URL, this one too.
    public var sharers = 1

    public var isPoller: Bool { if case .poll = habit { true } else { false } }
}
