import Histogram

/// What the clients of one phase have done and seen. Pure; times are nanoseconds of one clock.
struct FleetRecord {
    private(set) var traffic = Traffic()
    var book: PhaseBook
    /// Connections that are open.
    private(set) var open = 0
    /// That ended by themselves.
    private(set) var lost = 0
    /// From asking to the answer's end, µs.
    private var answerTimes = Self.histogram
    /// How late polls were made that were due, µs.
    private var lateness = Self.histogram

    init(book: PhaseBook) { self.book = book }

    mutating func opened() { open += 1 }
    mutating func lose() {
        open -= 1
        lost += 1
    }

    mutating func sent(_ bytes: Int) { traffic.bytesUp += bytes }
    mutating func received(_ bytes: Int) { traffic.bytesDown += bytes }

    /// A poll was made `late` nanoseconds after it was due.
    mutating func asked(late: UInt64) { lateness.record(min(late / 1000, Self.longest)) }

    /// Polls were due that could not be made.
    mutating func skipped(_ count: Int) { traffic.skipped += count }

    /// An answer was there, `took` nanoseconds after asking.
    ///
    /// - Parameters:
    ///   - revision: The newest change that it shows; `nil` when it shows no row, as 304 does.
    ///   - known: The newest one that this client has seen before.
    /// - Returns: The newest one that it has seen now.
    mutating func answered(
        _ user: Int, status: Int, revision: Int?, known: Int?, took: UInt64, at moment: UInt64
    ) -> Int? {
        traffic.requests += 1
        answerTimes.record(min(took / 1000, Self.longest))
        guard status == 200, let revision else {
            if status == 304 { traffic.unchanged += 1 } else { traffic.failures += 1 }
            return known
        }
        if let known, revision <= known {
            traffic.unchanged += 1
            return known
        }
        book.showed(revision, to: user, at: moment)
        return revision
    }

    /// A message told change `revision`.
    mutating func told(_ user: Int, revision: Int, at moment: UInt64) {
        traffic.requests += 1
        book.told(revision, to: user, at: moment)
    }

    /// The server said that something is wrong, or that something was missed.
    mutating func failed() { traffic.failures += 1 }

    /// The measured time begins.
    mutating func resetTimes() { (answerTimes, lateness) = (Self.histogram, Self.histogram) }

    /// 99th percentiles in seconds; `nil` without polls.
    var answerTime: Double? { Self.seconds(answerTimes) }
    var generatorLateness: Double? { Self.seconds(lateness) }

    /// µs: a day.
    private static let longest: UInt64 = 86_399_000_000
    private static var histogram: Histogram<UInt64> {
        Histogram<UInt64>(
            lowestDiscernibleValue: 1, highestTrackableValue: 86_400_000_000, numberOfSignificantValueDigits: .two)
    }

    private static func seconds(_ histogram: Histogram<UInt64>) -> Double? {
        histogram.totalCount == 0 ? nil : Double(histogram.valueAtPercentile(99)) / 1e6
    }
}
