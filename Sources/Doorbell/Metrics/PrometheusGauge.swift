import CoreMetrics
import DoorbellCore

/// A value that goes up and down.
final class PrometheusGauge: MeterHandler, RecorderHandler, PrometheusInstrument {
    private let series: PrometheusSeries
    private let value = Locked(0.0)

    init(series: PrometheusSeries) { self.series = series }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    var reading: Double? { value.withLock { $0 } }

    func write(to text: inout String) { text += series.sample("", "", PrometheusNumber.text(value.withLock { $0 })) }
}

/// Numbers as Prometheus reads them.
enum PrometheusNumber {
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }
}
