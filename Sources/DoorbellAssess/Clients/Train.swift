#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What a few requests in a row, by one client for one URL, look like: a timer, several timers behind one address, or neither. Pure.
///
/// A timer is many gaps of one length. What else a polling page does is allowed for: a tab in the background asks once a minute
/// (browsers throttle timers), a sleeping laptop does not ask at all, a poll is left out now and then, and a page asks twice at once. People
/// and crawlers have gaps of all lengths. Times are ticks of 10 ms.
struct Train: Equatable {
    enum Kind: Equatable {
        case regular
        /// Several timers of one period: this many.
        case shared(Int)
        case irregular
    }

    var kind = Kind.irregular
    /// Ticks.
    var period = 0.0
    /// Standard deviation of the gaps around the period, as a share of it.
    var jitter = 0.0
    /// Gaps that say something, and those of them that fit.
    var considered = 0
    var regular = 0
    /// Of the regular ones, those of a throttled tab.
    var background = 0
    var pauses = 0
    /// Of all gaps but pauses: standard deviation as a share of the mean.
    private var spread = 0.0
    private var mean = 0.0

    /// Ticks. Requests that are closer than this are one round of a page.
    static let burst: UInt32 = 25
    static let minute: ClosedRange<UInt32> = 5400...6600

    /// How large a share of `count` gaps has to fit, so that chance does not do it.
    static func threshold(_ count: Int) -> Double { 0.7 + 1.6 / Double(max(1, count)) }

    /// The fewest gaps to judge by.
    static let fewest = 6

    /// - Parameters:
    ///   - times: Ascending.
    ///   - resolution: Ticks that the log's times are cut to: 100 for whole seconds.
    init(_ times: [UInt32], resolution: UInt32) {
        var gaps: [UInt32] = []
        gaps.reserveCapacity(times.count)
        var last: UInt32?
        for time in times {
            if let previous = last {
                let gap = time &- previous
                if gap <= (resolution > 1 ? 0 : Self.burst) { continue }
                gaps.append(gap)
            }
            last = time
        }
        guard !gaps.isEmpty else { return }
        measure(gaps, Double(resolution))
        // Several timers are looked for first, because together they can look like one that is less exact.
        let exactness = 0.06 + (resolution > 1 ? 0.45 * Double(resolution) / max(1, mean) : 0)
        if times.count >= 16, spread > exactness, let found = SharedTrains(times, resolution: resolution) {
            kind = .shared(found.count)
            period = found.period
        } else if considered >= Self.fewest, Double(regular) >= Self.threshold(considered) * Double(considered) {
            kind = .regular
        }
    }

    private mutating func measure(_ gaps: [UInt32], _ resolution: Double) {
        let center = Self.densest(gaps.sorted(), resolution)
        period = center
        let slack = resolution > 1 ? resolution : 0
        let low = min(center * 0.7, center - slack)
        let high = max(center * 1.3, center + slack)
        var odd = 0
        var missed = 0
        var sum = 0.0
        var squares = 0.0
        var fit = 0
        var all = 0.0
        var allSquares = 0.0
        // Runs of gaps that nothing interrupts, for the tests of sums below.
        var runs: [Double] = []
        for gap in gaps {
            let length = Double(gap)
            if length >= low, length <= high {
                fit += 1
                sum += length
                squares += length * length
                runs.append(length)
            } else if center < 5000, Self.minute.contains(gap) {
                background += 1
                runs.append(.nan)
            } else if length > max(center * 4, 7000) {
                pauses += 1
                runs.append(.nan)
            } else if Self.isMultiple(length, of: center, slack) {
                missed += 1
                runs.append(.nan)
            } else {
                odd += 1
                runs.append(length)
            }
            if let last = runs.last, !last.isNaN {
                all += last
                allSquares += last * last
            }
        }
        mean = all / Double(max(1, fit + odd))
        if mean > 0 { spread = max(0, allSquares / Double(fit + odd) - mean * mean).squareRoot() / mean }
        odd += max(0, missed - gaps.count / 5) + max(0, pauses - gaps.count / 3)
        if fit > 0 {
            period = sum / Double(fit)
            let variance = max(0, squares / Double(fit) - period * period - slack * slack / 6)
            jitter = variance.squareRoot() / max(1, period)
        }
        considered = fit + background + odd
        regular = fit + background
        if slack > 0, period < 6 * slack {
            // The log's seconds are too coarse for single gaps: sums of several say more, because a timer's errors do not add up.
            let lag = min(8, max(4, Int((8 * slack / period).rounded(.up))))
            let share = Self.share(runs, lag: lag, tolerance: 0.2)
            regular = Int(share * Double(fit + odd)) + background
        } else if gaps.count >= 20, Double(regular) < Self.threshold(considered) * Double(considered) {
            // Timers that are spread on purpose (half to one and a half periods).
            let share = Self.share(runs, lag: 4, tolerance: 0.2)
            if share >= 0.75 { regular = max(regular, Int(share * Double(fit + odd)) + background) }
        }
    }

    /// The length that most gaps are near to.
    private static func densest(_ sorted: [UInt32], _ resolution: Double) -> Double {
        var best = (count: 0, from: 0)
        var end = 0
        for start in sorted.indices {
            let low = Double(sorted[start])
            let high = max(low * 1.6, low + (resolution > 1 ? 2 * resolution : 0))
            while end < sorted.count, Double(sorted[end]) <= high { end += 1 }
            if end - start > best.count { best = (end - start, start) }
        }
        return Double(sorted[best.from + best.count / 2])
    }

    private static func isMultiple(_ length: Double, of period: Double, _ slack: Double) -> Bool {
        let times = (length / period).rounded()
        return times >= 2 && times <= 4 && abs(length - times * period) <= 0.12 * period + slack
    }

    /// How many sums of `lag` gaps in a row are near their median.
    private static func share(_ runs: [Double], lag: Int, tolerance: Double) -> Double {
        guard runs.count >= lag else { return 0 }
        var sums: [Double] = []
        for start in 0...(runs.count - lag) {
            let sum = runs[start..<(start + lag)].reduce(0, +)
            if !sum.isNaN { sums.append(sum) }
        }
        guard sums.count >= Self.fewest else { return 0 }
        let median = sums.sorted()[sums.count / 2]
        return Double(sums.count(where: { abs($0 - median) <= tolerance * median })) / Double(sums.count)
    }
}
