/// How many changes took how long to be told. Sparse and mergeable: sums of histograms lose nothing. Pure.
///
/// The buckets are those of an HdrHistogram with 64 for each power of two microseconds, so a bucket is at most 1.6 % wide. One that was
/// used takes 16 bytes, and there are 2,240.
public struct StalenessHistogram: Sendable, Hashable {
    public struct Bucket: Sendable, Hashable {
        public let index: Int16
        public var count: UInt64
    }

    private static let precision = 6
    /// 2^40 µs, 12 days: what took longer counts as this long.
    private static let longest: UInt64 = 1 << 40
    private static let lastIndex = index(of: longest)

    /// From short to long; none is empty.
    public private(set) var buckets: [Bucket] = []

    public init() {}

    public var isEmpty: Bool { buckets.isEmpty }
    public var count: UInt64 { buckets.reduce(0) { $0 &+ $1.count } }

    /// - Parameter seconds: Below 0 counts as 0, because clocks of two machines may disagree by more than a delivery takes.
    public mutating func record(_ seconds: Double, count: UInt64 = 1) {
        guard seconds.isFinite else { return }
        let microseconds = min(max(seconds, 0) * 1e6, Double(Self.longest))
        add(count, at: Self.index(of: UInt64(microseconds)))
    }

    /// Adds to a bucket of another histogram. One that there is not is ignored.
    public mutating func add(_ count: UInt64, at index: Int16) {
        guard count > 0, (0...Self.lastIndex).contains(index) else { return }
        var low = 0
        var high = buckets.count
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle].index < index { low = middle + 1 } else { high = middle }
        }
        if low < buckets.count, buckets[low].index == index {
            buckets[low].count &+= count
        } else {
            buckets.insert(Bucket(index: index, count: count), at: low)
        }
    }

    public mutating func add(_ other: StalenessHistogram) {
        if buckets.isEmpty {
            buckets = other.buckets
        } else {
            // Both are in order, and most often they have the same buckets.
            var place = 0
            for bucket in other.buckets {
                while place < buckets.count, buckets[place].index < bucket.index { place += 1 }
                if place < buckets.count, buckets[place].index == bucket.index {
                    buckets[place].count &+= bucket.count
                } else {
                    buckets.insert(bucket, at: place)
                }
            }
        }
    }

    /// Seconds: the middle of the bucket that holds it. `nil` without changes.
    ///
    /// - Parameter percent: 0 to 100.
    public func percentile(_ percent: Double) -> Double? {
        let count = count
        guard count > 0 else { return nil }
        let wanted = max(1, (Double(count) * min(max(percent, 0), 100) / 100).rounded(.up))
        var seen = 0.0
        for bucket in buckets {
            seen += Double(bucket.count)
            if seen >= wanted { return (Self.start(of: bucket.index) + Self.end(of: bucket.index)) / 2 }
        }
        return buckets.last.map { Self.end(of: $0.index) }
    }

    /// Seconds at which a bucket begins.
    private static func start(of index: Int16) -> Double { index == 0 ? 0 : end(of: index - 1) }

    /// Seconds up to which a bucket reaches.
    public static func end(of index: Int16) -> Double {
        let index = UInt64(max(0, index))
        let shift = index >> precision == 0 ? 0 : index >> precision - 1
        return Double((index - shift << precision + 1) << shift) / 1e6
    }

    private static func index(of microseconds: UInt64) -> Int16 {
        let shift = max(0, UInt64.bitWidth - 1 - microseconds.leadingZeroBitCount - precision)
        return Int16(shift << precision + Int(microseconds >> UInt64(shift)))
    }
}
