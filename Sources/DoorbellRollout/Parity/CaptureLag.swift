public import DoorbellCore

/// How far capture is behind, for the grace of parity, and how far the database's clock is ahead of ours. Pure.
///
/// The highest and the lowest of the last half minute to minute, so that one slow batch is still known when the answers are judged that it
/// was slow for.
public struct CaptureLag: Sendable {
    /// Parity waits for at least as long for a message, whatever was measured. Default 1 s.
    public static let leastGrace = 1.0
    /// And for no longer. Default 60 s.
    public static let mostGrace = 60.0

    private var recent = 0.0
    private var before = 0.0
    private var recentLead = 0.0
    private var leadBefore = 0.0
    private var since: Timestamp?

    public init() {}

    /// - Parameter seconds: From the commit of a change to its publication; less than 0 when the database's clock is ahead.
    public mutating func record(_ seconds: Double, now: Timestamp) {
        turn(now)
        guard seconds.isFinite else { return }
        recent = max(recent, seconds)
        recentLead = max(recentLead, -seconds)
    }

    /// Seconds by which a change may be dated later than the moment of its publication.
    public mutating func lead(now: Timestamp) -> Double {
        turn(now)
        return max(recentLead, leadBefore)
    }

    /// From an answer until every change in it has been published, if it is at all: twice the lag.
    public mutating func grace(now: Timestamp) -> Duration {
        turn(now)
        return .seconds(min(max(2 * max(recent, before), Self.leastGrace), Self.mostGrace))
    }

    private mutating func turn(_ now: Timestamp) {
        guard let since else { return self.since = now }
        guard now.seconds(since: since) >= 30 else { return }
        let isRecent = now.seconds(since: since) < 60
        before = isRecent ? recent : 0
        leadBefore = isRecent ? recentLead : 0
        recent = 0
        recentLead = 0
        self.since = now
    }
}
