import DoorbellCore
import DoorbellRollout

/// How long the radio of a phone would be on, by the model of an LTE phone and an hour of the moments that the plan makes: the measured
/// time is too short for it. Pure; an estimate.
enum RadioEstimate {
    /// Between two pings of Doorbell, its default, in seconds; a held poll is asked again as often.
    private static let heartbeat = 25.0
    private static let hour = 3600.0
    /// Clients that are looked at, each for an hour.
    private static let clients = 20

    /// Of the time, 0 to 1.
    static func share(_ plan: SimulationPlan, _ kind: PhaseKind) -> Double {
        var random = SplitMix(state: plan.seed)
        let seconds = (0..<clients).reduce(0) { sum, _ in
            var clock = RadioClock()
            for moment in moments(plan, kind, &random) { clock.transfer(at: moment) }
            return sum + clock.onSeconds(until: hour)
        }
        return min(1, seconds / (hour * Double(clients)))
    }

    /// When a client sends or receives something.
    private static func moments(_ plan: SimulationPlan, _ kind: PhaseKind, _ random: inout SplitMix) -> [Double] {
        let period = kind.isPush ? heartbeat : plan.interval
        var moments = Array(stride(from: 0, to: hour, by: period))
        guard kind.isPush else { return moments }
        let messages = plan.changeRate / Double(plan.clients) * hour
        // A client with thousands of messages is on all the time, whatever their number is.
        for _ in 0..<min(Int(messages.rounded()), 10_000) { moments.append(.random(in: 0..<hour, using: &random)) }
        return moments.sorted()
    }
}
