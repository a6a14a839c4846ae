public import CoreMetrics
import DoorbellCore

/// Every metric of the process, for `/metrics` in the Prometheus text format (version 0.0.4).
///
/// A swift-metrics backend: modules create instruments by name and labels, and never know who reads them. Counters are
/// sums, recorders and meters are gauges, timers and aggregating recorders are histograms. Instruments with the same name
/// and labels are the same instrument.
public final class PrometheusRegistry: MetricsFactory {
    private struct Family {
        let kind: String
        var instruments: [String: any PrometheusInstrument] = [:]
    }

    private let families = Locked<[String: Family]>([:])
    private let help: [String: String]

    /// - Parameter help: One line for each metric name, printed as `# HELP`.
    public init(help: [String: String] = [:]) { self.help = help }

    /// The whole exposition, families and instruments in alphabetical order.
    public func exposition() -> String {
        let families = families.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            if let line = help[name] { text += "# HELP \(name) \(line)\n" }
            text += "# TYPE \(name) \(family.kind)\n"
            for (_, instrument) in family.instruments.sorted(by: { $0.key < $1.key }) { instrument.write(to: &text) }
        }
        return text
    }

    /// The value of one sample line, for tests and tools; `nil` when there is none.
    public func value(_ sample: String) -> Double? {
        exposition().split(separator: "\n").first { $0.hasPrefix(sample + " ") }
            .flatMap { Double($0.dropFirst(sample.count + 1)) }
    }

    /// All series of a counter or gauge, added up; `nil` when there is none yet.
    func sum(of name: String) -> Double? {
        let instruments = families.withLock { $0[name]?.instruments }
        guard let instruments, !instruments.isEmpty else { return nil }
        return instruments.values.reduce(0) { $0 + ($1.reading ?? 0) }
    }

    private func instrument<I: PrometheusInstrument>(
        _ kind: String, _ label: String, _ dimensions: [(String, String)], make: (PrometheusSeries) -> I
    ) -> I {
        let series = PrometheusSeries(name: label, labels: dimensions)
        return families.withLock { families in
            var family = families[label] ?? Family(kind: kind)
            if let known = family.instruments[series.key] as? I { return known }
            let made = make(series)
            // A name is of one kind; a second kind under it would make the exposition invalid, so it stays unlisted.
            if family.kind == kind { family.instruments[series.key] = made }
            families[label] = family
            return made
        }
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        instrument("counter", label, dimensions, make: PrometheusCounter.init)
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        instrument("gauge", label, dimensions, make: PrometheusGauge.init)
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate
            ? instrument("histogram", label, dimensions, make: PrometheusHistogram.init)
            : instrument("gauge", label, dimensions, make: PrometheusGauge.init)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        instrument("histogram", label, dimensions, make: PrometheusHistogram.init)
    }

    // Instruments live as long as the registry: a counter that came back at zero would look like a restart.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}
}
