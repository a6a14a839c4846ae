#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Several timers of one period that ask for one URL from behind one address: looks for a length after which requests come again far more
/// often than chance would have it. Pure.
struct SharedTrains: Equatable {
    /// At least 2.
    let count: Int
    /// Ticks.
    let period: Double

    /// - Parameter times: Ascending, at least 16.
    init?(_ times: [UInt32], resolution: UInt32) {
        let times = Self.longestStretch(times)
        guard times.count >= 16, let first = times.first, let last = times.last, last > first else { return nil }
        let span = Double(last - first)
        let rate = Double(times.count - 1) / span
        var best: (score: Double, period: Double)?
        for start in 0..<min(3, times.count) {
            for other in (start + 2)..<max(start + 2, times.count) {
                let period = Double(times[other] - times[start])
                guard period * rate >= 1.6 else { continue }
                guard period <= span / 2.5 else { break }
                guard let found = Self.score(times, period, rate, Double(resolution)) else { continue }
                // A multiple of the period fits as well: the shortest counts unless a longer one is much better.
                if found.score > (best?.score ?? 0) * (period > best?.period ?? 0 ? 1.25 : 0.95) {
                    best = (found.score, found.period)
                }
            }
        }
        guard let best else { return nil }
        let count = max(2, Int((rate * best.period).rounded()))
        // So many cannot be told from chance with the requests that are kept.
        guard count <= 8 else { return nil }
        self.count = count
        period = best.period
    }

    /// How far beyond chance it is that a request follows each request after `period`, in standard deviations; `nil` when it is not.
    private static func score(
        _ times: [UInt32], _ period: Double, _ rate: Double, _ resolution: Double
    ) -> (score: Double, period: Double)? {
        var best: (score: Double, period: Double)?
        let tolerances =
            resolution > 1
            ? [resolution / 2, resolution]
            : [max(2, min(period * 0.02, 0.1 / rate)), max(2, min(period * 0.05, 0.2 / rate))]
        for tolerance in tolerances {
            let chance = 1 - exp(-2 * tolerance * rate)
            guard chance < 0.5 else { continue }
            let hits = hits(times, after: period, tolerance)
            guard hits.eligible >= 8 else { return nil }
            let score = (hits.share - chance) / (chance * (1 - chance) / Double(hits.eligible)).squareRoot()
            guard hits.share >= 0.78, score >= 4, score > best?.score ?? 0 else { continue }
            // One timer comes again after twice its period, too, but it comes after its period at least as surely.
            guard Self.hits(times, after: 1 / rate, tolerance).share < hits.share - 0.25 else { continue }
            best = (score, hits.mean)
        }
        return best
    }

    /// The share of requests that another one follows after `period`.
    private static func hits(
        _ times: [UInt32], after period: Double, _ tolerance: Double
    ) -> (share: Double, eligible: Int, mean: Double) {
        var eligible = 0
        var hits = 0
        var sum = 0.0
        var next = 0
        let last = Double(times[times.count - 1])
        for time in times {
            let expected = Double(time) + period
            guard expected + tolerance <= last else { break }
            eligible += 1
            while next < times.count, Double(times[next]) < expected - tolerance { next += 1 }
            if next < times.count, Double(times[next]) <= expected + tolerance {
                hits += 1
                sum += Double(times[next]) - Double(time)
            }
        }
        return (Double(hits) / Double(max(1, eligible)), eligible, hits > 0 ? sum / Double(hits) : period)
    }

    /// The most requests in a row without a long silence.
    private static func longestStretch(_ times: [UInt32]) -> [UInt32] {
        guard let first = times.first, let last = times.last else { return times }
        let limit = max(7000, UInt32(clamping: 8 * UInt64(last - first) / UInt64(max(1, times.count))))
        var best = 0..<1
        var start = 0
        for index in 1..<max(1, times.count) where times[index] - times[index - 1] > limit {
            if index - start > best.count { best = start..<index }
            start = index
        }
        if times.count - start > best.count { best = start..<times.count }
        return Array(times[best])
    }
}
