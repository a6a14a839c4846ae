/// How long the radio of a phone would have been on. An estimate, see ``RadioModel``.
public struct RadioShare: Sendable, Hashable {
    public let way: ComparisonSummary.Way
    public let clients: Int
    /// Of the whole time, 0 to 1: a client that is never in the background.
    public let always: Double
    /// Of the time in the foreground, 0 to 1; `nil` where there was none.
    public let foreground: Double?
    /// Of the radio, for a client and hour, of the whole time.
    public let joulesPerHour: Double

    /// `nil` without clients that were watched.
    init?(_ way: ComparisonSummary.Way, of report: ComparisonReport, model: RadioModel = .lte) {
        let usages = report.radio.filter { way.has($0.path) }
        let watched = usages.reduce(0) { $0 + $1.watchedSeconds }
        guard watched > 0, watched.isFinite else { return nil }
        let radio = usages.reduce(0) { $0 + $1.radioSeconds }
        let foreground = usages.reduce(0) { $0 + $1.foregroundSeconds }
        let promotions = usages.reduce(0) { $0 + Double($1.promotions) }
        self.way = way
        clients = usages.reduce(0) { $0 &+ $1.clients }
        always = min(1, radio / watched)
        self.foreground = foreground > 0 ? min(1, radio / foreground) : nil
        joulesPerHour = model.energy(onSeconds: radio, promotions: promotions, of: watched) / watched * 3600
    }

    /// Of each way that was watched; tags change nothing of it.
    /// None for one feature: a phone has one radio for all.
    static func all(_ report: ComparisonReport, summary: ComparisonSummary) -> [RadioShare] {
        summary.feature == nil ? [.polls, .held, .push].compactMap { RadioShare($0, of: report) } : []
    }
}
