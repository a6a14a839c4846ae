#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Random numbers that are the same in every run (SplitMix64).
public struct LogRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(_ seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 to below 1.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// With this mean: the time between events that know nothing of each other.
    public mutating func exponential(_ mean: Double) -> Double { -mean * log(1 - unit()) }

    /// Of mean 0 and standard deviation 1.
    public mutating func normal() -> Double { (-2 * log(1 - unit())).squareRoot() * cos(2 * .pi * unit()) }
}
