/// How many changes were seen within a time.
public struct StalenessBucket: Sendable, Codable, Equatable {
    /// Seconds; longer than the bucket before.
    public var upTo: Double
    public var count: UInt64

    /// Of the bucket at `index`: eight to a tenfold, from half a millisecond on.
    static func bound(_ index: Int) -> Double {
        var bound = 0.0005
        // 10 to the power of one eighth.
        for _ in 0..<index { bound *= 1.333_521_432_163_324 }
        return bound
    }
}
