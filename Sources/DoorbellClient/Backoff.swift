/// Waits between attempts to connect: exponential with full jitter, so that the clients of a server that came back do not
/// all come back with it.
public struct Backoff: Sendable {
    /// The bound of the first wait.
    public let first: Duration
    /// No wait is longer.
    public let maximum: Duration
    private var attempts = 0

    public init(first: Duration = .seconds(1), maximum: Duration = .seconds(30)) {
        self.first = first
        self.maximum = maximum
    }

    /// A wait between zero and a bound that doubles from ``first`` to ``maximum``.
    public mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        // 2^32 times anything sensible is above every maximum.
        let bound = min(maximum, first * (1 << min(attempts, 32)))
        attempts += 1
        return bound * Double.random(in: 0...1, using: &generator)
    }

    /// To be called when a connection has proved good (has lived for its first heartbeat).
    public mutating func reset() { attempts = 0 }
}
