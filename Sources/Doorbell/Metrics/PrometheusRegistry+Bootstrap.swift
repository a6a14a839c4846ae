import CoreMetrics

extension PrometheusRegistry {
    /// Makes a registry the backend of swift-metrics. Call once a process, before any instrument is created.
    public static func bootstrap() -> PrometheusRegistry {
        let registry = PrometheusRegistry(help: MetricsReference.help)
        MetricsSystem.bootstrap(registry)
        return registry
    }
}
