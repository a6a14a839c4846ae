import CoreMetrics
import Synchronization

/// A sum that only grows.
final class PrometheusCounter: CounterHandler, PrometheusInstrument {
    private let series: PrometheusSeries
    private let total = Atomic<Int64>(0)

    init(series: PrometheusSeries) { self.series = series }

    func increment(by amount: Int64) { total.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { total.store(0, ordering: .relaxed) }

    var reading: Double? { Double(total.load(ordering: .relaxed)) }

    func write(to text: inout String) { text += series.sample("", "", String(total.load(ordering: .relaxed))) }
}
