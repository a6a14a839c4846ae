import DoorbellCore

/// The wall clock, to the microsecond.
enum SystemClock {
    @Sendable static func now() -> Timestamp {
        WallClock.now
    }
}
