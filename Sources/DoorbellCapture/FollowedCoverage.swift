/// Until when a process that follows another's ticks has delivered everything that was committed. Pure.
///
/// A look that finds no row outside the ticks has seen all there is. Under load there always is one: then it takes two more ticks than the
/// look has seen, because the first of them may have been under way when the look began, and the second began after the first was committed.
struct FollowedCoverage {
    private var waiting: (lastTick: UInt64, at: ContinuousClock.Instant)?

    /// - Parameters:
    ///   - began: Before the look was sent to the database.
    ///   - lastTick: The newest tick that it saw.
    ///   - isMore: Whether it saw rows that are in no tick.
    ///   - delivered: The last tick that has been delivered whole by now.
    /// - Returns: Everything committed before it has been delivered; `nil` when this look tells nothing new.
    mutating func looked(
        at began: ContinuousClock.Instant, lastTick: UInt64, isMore: Bool, delivered: UInt64
    ) -> ContinuousClock.Instant? {
        if !isMore, delivered >= lastTick {
            waiting = nil
            return began
        }
        guard let known = waiting else {
            waiting = (lastTick, began)
            return nil
        }
        guard delivered >= known.lastTick + 2 else { return nil }
        waiting = (lastTick, began)
        return known.at
    }
}
