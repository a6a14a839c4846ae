/// When a feature moves from stage to stage by itself, and when it goes back.
public struct GateSettings: Hashable, Sendable {
    /// Between two checks. Default 60 s.
    public var interval: Duration = .seconds(60)
    /// Failed checks, one after the other, after which the feature is rolled back. Default 3.
    public var threshold = 3
    /// What a successful check adds to the percentage. Default 10 %.
    public var step = Percent(hundredths: 1000) ?? .all
    /// The percentage after which a successful check moves the feature to `push`. Default 50 %.
    public var max = Percent(hundredths: 5000) ?? .all
    /// Changes that have to be compared before a check can succeed. Default 20.
    public var minimum = 20
    /// Of the changes that polls showed, how many push may have missed. Default 0.
    public var missed = Percent.zero
    /// Of the messages, how many may have been for nothing. Default 50 %.
    public var spurious = Percent(hundredths: 5000) ?? .all
    /// Of the polls, how many the legacy API may fail. Default 1 %.
    public var errors = Percent(hundredths: 100) ?? .all
    /// From a change's commit until a client was told by push, the 99th percentile. `nil`, the default: not longer than by polls in the
    /// same time, or than their interval.
    public var staleness: Duration?
    /// How often a client's subscription may end in a minute. Default 3.
    public var reconnects = 3
    /// Where decisions are posted to; `nil`: nowhere.
    public var webhook: String?

    public init() {}
}
