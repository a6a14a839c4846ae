import CoreMetrics
import DoorbellCore

/// How often a value fell below each bound. Timers are recorded in seconds.
final class PrometheusHistogram: TimerHandler, RecorderHandler, PrometheusInstrument {
    /// By the unit in the name. Latencies: half a millisecond to a minute, closest where those of interest lie.
    static func bounds(for name: String) -> [Double] {
        if name.hasSuffix("_bytes") { return (8...24).map { Double(1 << $0) } }
        if name.hasSuffix("_lifetime_seconds") { return [1, 10, 30, 60, 300, 1800, 3600, 14_400, 86_400] }
        return [0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60]
    }

    private struct State {
        /// Not cumulative; the last one is for values above every bound.
        var counts: [UInt64]
        var sum = 0.0
    }

    private let series: PrometheusSeries
    private let bounds: [Double]
    private let state: Locked<State>

    init(series: PrometheusSeries) {
        let bounds = Self.bounds(for: series.name)
        self.series = series
        self.bounds = bounds
        self.state = Locked(State(counts: [UInt64](repeating: 0, count: bounds.count + 1)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[bucket] += 1
            $0.sum += value
        }
    }

    var reading: Double? { nil }

    func write(to text: inout String) {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? PrometheusNumber.text(bounds[index]) : "+Inf"
            text += series.sample("_bucket", "le=\"\(bound)\"", String(total))
        }
        text += series.sample("_sum", "", PrometheusNumber.text(sum))
        text += series.sample("_count", "", String(total))
    }
}
