#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Lengths of time from 10 ms to 12 days, in 120 bins of a quarter of an octave: 19 % wide.
struct LengthHistogram: Equatable {
    private static let size = 120
    private(set) var bins: [Double] = []
    /// Of each bin's lengths, so that their mean is known.
    private var sums: [Double] = []

    /// - Parameter length: Seconds.
    mutating func add(_ length: Double, count: Double = 1) {
        guard length > 0, length.isFinite else { return }
        if bins.isEmpty { makeBins() }
        let bin = min(max(Int((log2(length * 100) * 4).rounded()), 0), Self.size - 1)
        bins[bin] += count
        sums[bin] += length * count
    }

    mutating func merge(_ other: LengthHistogram) {
        guard !other.bins.isEmpty else { return }
        if bins.isEmpty { makeBins() }
        for index in bins.indices {
            bins[index] += other.bins[index]
            sums[index] += other.sums[index]
        }
    }

    private mutating func makeBins() {
        bins = Array(repeating: 0, count: Self.size)
        sums = bins
    }

    /// The mean of what is in a bin, in seconds.
    private func length(of bin: Int) -> Double { sums[bin] / bins[bin] }

    var isEmpty: Bool { bins.allSatisfy { $0 == 0 } }

    /// The length that a share of the counts is at or below; `nil` when there are none.
    func percentile(_ share: Double) -> Double? {
        let total = bins.reduce(0, +)
        guard total > 0 else { return nil }
        var sum = 0.0
        for (index, count) in bins.enumerated() {
            sum += count
            if count > 0, sum >= share * total { return length(of: index) }
        }
        return nil
    }

    /// The filled bins: seconds and counts.
    var filled: [(length: Double, count: Double)] {
        bins.indices.filter { bins[$0] > 0 }.map { (length(of: $0), bins[$0]) }
    }

    /// How long a change waits until it is polled, when it comes at any moment and the time between polls is as in here: a share of all changes
    /// waits for at most this many seconds.
    func wait(_ share: Double) -> Double? {
        let lengths = filled
        let total = lengths.reduce(0) { $0 + $1.length * $1.count }
        guard total > 0, let longest = lengths.last?.length else { return nil }
        var low = 0.0
        var high = longest
        for _ in 0..<40 {
            let middle = (low + high) / 2
            let waiting = lengths.reduce(0) { $0 + max(0, $1.length - middle) * $1.count }
            if waiting / total > 1 - share { low = middle } else { high = middle }
        }
        return high
    }
}
