/// A count over time in 256 bins, whose width doubles when the log outgrows them. 1 KiB.
struct TimeSeries {
    static let size = 256
    private(set) var bins: [UInt32] = []
    /// Seconds of a bin.
    private(set) var width: UInt32 = 1

    @inline(__always)
    mutating func add(at second: UInt32, _ count: UInt32 = 1) {
        if bins.isEmpty { bins = Array(repeating: 0, count: Self.size) }
        while second / width >= UInt32(Self.size) { widen() }
        bins[Int(second / width)] &+= count
    }

    mutating func merge(_ other: TimeSeries) {
        guard !other.bins.isEmpty else { return }
        var other = other
        if bins.isEmpty { bins = Array(repeating: 0, count: Self.size) }
        while width < other.width { widen() }
        while other.width < width { other.widen() }
        for index in bins.indices { bins[index] &+= other.bins[index] }
    }

    /// At least to the width of another, so that they can be drawn over each other.
    mutating func widen(to width: UInt32) {
        if bins.isEmpty { bins = Array(repeating: 0, count: Self.size) }
        while self.width < width { widen() }
    }

    private mutating func widen() {
        let half = Self.size / 2
        for index in 0..<half { bins[index] = bins[2 * index] &+ bins[2 * index + 1] }
        for index in half..<Self.size { bins[index] = 0 }
        width *= 2
    }
}
