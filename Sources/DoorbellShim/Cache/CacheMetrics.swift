import CoreMetrics
import DoorbellCore

/// What the cache counts. Instruments are made once.
struct CacheMetrics: Sendable {
    enum Result: String, CaseIterable {
        /// Answered from memory.
        case hit
        /// The legacy API was asked, for the cache as well.
        case miss
        /// Answered with what another poll asked for at the same time.
        case collapsed
        /// The legacy API was asked as if there were no cache.
        case passed
    }

    private let requests: [ObjectIdentifier: [Result: Counter]]
    private let bytes: Gauge
    private let answers: Gauge

    init(features: [Feature], factory: any MetricsFactory = MetricsSystem.factory) {
        var requests: [ObjectIdentifier: [Result: Counter]] = [:]
        for feature in features {
            var counters: [Result: Counter] = [:]
            for result in Result.allCases {
                counters[result] = Counter(
                    label: "doorbell_cache_requests_total",
                    dimensions: [("feature", feature.name), ("result", result.rawValue)], factory: factory)
            }
            requests[ObjectIdentifier(feature)] = counters
        }
        self.requests = requests
        bytes = Gauge(label: "doorbell_cache_bytes", factory: factory)
        answers = Gauge(label: "doorbell_cache_answers", factory: factory)
        holds(bytes: 0, answers: 0)
    }

    func answered(_ feature: Feature, _ result: Result) { requests[ObjectIdentifier(feature)]?[result]?.increment() }

    func holds(bytes: Int, answers: Int) {
        self.bytes.record(bytes)
        self.answers.record(answers)
    }
}
