import CoreMetrics
import DoorbellCore
import NIOHTTP1

/// What the shim counts, for each feature. Instruments are made once.
struct ShimMetrics: Sendable {
    struct FeatureMetrics: Sendable {
        /// Polls answered, by the feature's stage, by who did and by the class of their status: 1xx to 5xx.
        let requests: [Stage: [ServedBy: [Counter]]]
        /// Of poll answers, heads included.
        let bytes: Counter
        /// Seconds from a change's commit to the first poll that showed it.
        let staleness: Timer
        /// Polls of clients that were pushed the same, and did not need them.
        let double: Counter
    }

    private let features: [ObjectIdentifier: FeatureMetrics]

    init(features: [Feature], factory: any MetricsFactory = MetricsSystem.factory) {
        var table: [ObjectIdentifier: FeatureMetrics] = [:]
        for feature in features {
            table[ObjectIdentifier(feature)] = FeatureMetrics(
                requests: Dictionary(
                    uniqueKeysWithValues: Stage.allCases.map { ($0, Self.requests(feature, $0, factory)) }),
                bytes: Counter(
                    label: "doorbell_sent_bytes_total", dimensions: [("feature", feature.name), ("path", "poll")],
                    factory: factory),
                staleness: Timer(
                    label: "doorbell_staleness_seconds", dimensions: [("feature", feature.name), ("path", "poll")],
                    factory: factory),
                double: Counter(
                    label: "doorbell_double_polls_total", dimensions: [("feature", feature.name)], factory: factory))
        }
        self.features = table
    }

    private static func requests(
        _ feature: Feature, _ stage: Stage, _ factory: any MetricsFactory
    ) -> [ServedBy: [Counter]] {
        var requests: [ServedBy: [Counter]] = [:]
        // Nothing is answered from memory where there is no cache.
        for servedBy in ServedBy.allCases where servedBy != .cache || feature.cache != nil {
            requests[servedBy] = (1...5).map { status in
                Counter(
                    label: "doorbell_shim_requests_total",
                    dimensions: [
                        ("feature", feature.name), ("stage", stage.rawValue), ("served_by", servedBy.rawValue),
                        ("status", "\(status)xx"),
                    ], factory: factory)
            }
        }
        return requests
    }

    func answered(
        _ feature: Feature, at stage: Stage, status: HTTPResponseStatus, bytes: Int, servedBy: ServedBy
    ) {
        guard let metrics = features[ObjectIdentifier(feature)] else { return }
        let index = Int(status.code) / 100 - 1
        if let requests = metrics.requests[stage]?[servedBy], requests.indices.contains(index) {
            requests[index].increment()
        }
        metrics.bytes.increment(by: bytes)
    }

    func polledTwice(_ feature: Feature) { features[ObjectIdentifier(feature)]?.double.increment() }

    func showed(_ feature: Feature, staleness seconds: Double) {
        features[ObjectIdentifier(feature)]?.staleness.recordSeconds(seconds)
    }
}
