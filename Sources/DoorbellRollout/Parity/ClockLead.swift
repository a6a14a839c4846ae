public import DoorbellCore

/// How far the database's clock is ahead of ours, as far as changes show it. Pure.
///
/// A change that is dated later than it was published shows a lead; the most of the last half minute to minute counts.
public struct ClockLead: Sendable {
    private var recent = 0.0
    private var before = 0.0
    private var since: Timestamp?

    public init() {}

    /// - Parameter seconds: From the moment that a commit is dated to its publication; less than 0 when the database's clock is ahead.
    public mutating func record(_ seconds: Double, now: Timestamp) {
        turn(now)
        if seconds.isFinite { recent = max(recent, -seconds) }
    }

    /// Never less than 0.
    public mutating func seconds(now: Timestamp) -> Double {
        turn(now)
        return max(recent, before)
    }

    private mutating func turn(_ now: Timestamp) {
        guard let since else { return self.since = now }
        guard now.seconds(since: since) >= 30 else { return }
        before = now.seconds(since: since) < 60 ? recent : 0
        recent = 0
        self.since = now
    }
}
