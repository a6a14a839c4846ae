import DoorbellTestSupport
import Testing

@testable import DoorbellCore

@Suite struct StalenessHistogramTests {
    @Test("percentiles are within one percent of those of the values themselves", arguments: 1...20)
    func percentiles(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        var histogram = StalenessHistogram()
        var values: [Double] = []
        for _ in 0..<2000 {
            // From microseconds to an hour, about as many of each order.
            let magnitude = Int.random(in: 0..<32, using: &random)
            let value = Double(UInt64.random(in: 0..<(1 << UInt64(magnitude)), using: &random) + 100) / 1e6
            histogram.record(value)
            values.append(value)
        }
        values.sort()
        #expect(histogram.count == 2000)
        for percent in [0.0, 1, 50, 95, 99, 99.9, 100] {
            let exact = values[max(0, Int((Double(values.count) * percent / 100).rounded(.up)) - 1)]
            let found = try #require(histogram.percentile(percent))
            #expect(abs(found - exact) <= exact * 0.01, "percentile \(percent)")
        }
    }

    @Test("sums of histograms are the histogram of everything, in any order", arguments: 1...20)
    func sums(seed: UInt64) {
        var random = SplitMix(state: seed)
        var parts = Array(repeating: StalenessHistogram(), count: 5)
        var whole = StalenessHistogram()
        for _ in 0..<500 {
            let value = Double(UInt64.random(in: 0..<(1 << 42), using: &random)) / 1e6
            let count = UInt64.random(in: 1..<100, using: &random)
            parts[.random(in: 0..<5, using: &random)].record(value, count: count)
            whole.record(value, count: count)
        }
        var sum = StalenessHistogram()
        for part in parts.shuffled(using: &random) { sum.add(part) }
        #expect(sum == whole)
        // As it comes out of a database.
        var read = StalenessHistogram()
        for bucket in whole.buckets { read.add(bucket.count, at: bucket.index) }
        #expect(read == whole)
    }

    @Test("each bucket begins where the one before ends, and odd values do no harm")
    func bounds() {
        var last = 0.0
        for index in Int16(0)..<2300 {
            let end = StalenessHistogram.end(of: index)
            #expect(end > last)
            last = end
        }
        var histogram = StalenessHistogram()
        histogram.record(-1)
        histogram.record(.nan)
        histogram.record(1e300)
        histogram.add(5, at: -1)
        histogram.add(5, at: .max)
        histogram.add(0, at: 3)
        #expect(histogram.count == 2)
        #expect(histogram.percentile(1).map { $0 < 1e-6 } == true)
        #expect(histogram.percentile(100).map { abs($0 - 1_099_511) < 11_000 } == true)
        #expect(StalenessHistogram().percentile(50) == nil)
    }
}
