public import DoorbellCore

/// How far capture is behind, for the grace of parity. Pure.
///
/// The highest of the last half minute to minute, so that one slow batch is still known when the answers are judged that it was slow for.
public struct CaptureLag: Sendable {
    /// Parity waits for at least as long for a message, whatever was measured. Default 1 s.
    public static let leastGrace = 1.0
    /// And for no longer. Default 60 s.
    public static let mostGrace = 60.0

    private var recent = 0.0
    private var before = 0.0
    private var since: Timestamp?

    public init() {}

    /// - Parameter seconds: From the commit of a change to its publication.
    public mutating func record(_ seconds: Double, now: Timestamp) {
        turn(now)
        if seconds.isFinite { recent = max(recent, seconds) }
    }

    /// From an answer until every change in it has been published, if it is at all: twice the lag.
    public mutating func grace(now: Timestamp) -> Duration {
        turn(now)
        return .seconds(min(max(2 * max(recent, before), Self.leastGrace), Self.mostGrace))
    }

    private mutating func turn(_ now: Timestamp) {
        guard let since else { return self.since = now }
        guard now.seconds(since: since) >= 30 else { return }
        before = now.seconds(since: since) < 60 ? recent : 0
        recent = 0
        self.since = now
    }
}
