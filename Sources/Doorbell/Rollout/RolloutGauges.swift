import CoreMetrics
import DoorbellCore
import DoorbellRollout

/// Shows where the features stand. Instruments are made once.
struct RolloutGauges: Sendable {
    private let percents: [String: Meter]
    private let stages: [String: [Stage: Meter]]

    init(features: [Feature]) {
        percents = Dictionary(
            features.map { ($0.name, Meter(label: "doorbell_rollout_percent", dimensions: [("feature", $0.name)])) }
        ) { first, _ in first }
        stages = Dictionary(
            features.map { feature in
                let meters = Stage.allCases.map { stage in
                    let labels = [("feature", feature.name), ("stage", stage.rawValue)]
                    return (stage, Meter(label: "doorbell_rollout_stage", dimensions: labels))
                }
                return (feature.name, Dictionary(uniqueKeysWithValues: meters))
            }
        ) { first, _ in first }
    }

    func show(_ board: RolloutBoard) {
        for feature in board.features {
            guard let rollout = board[feature.name] else { continue }
            percents[feature.name]?.set(Double(rollout.share.hundredths) / 100)
            for (stage, meter) in stages[feature.name] ?? [:] { meter.set(stage == rollout.stage ? 1 : 0) }
        }
    }
}
