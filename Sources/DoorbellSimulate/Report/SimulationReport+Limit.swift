extension SimulationReport {
    /// What kept a phase from the rate that it was meant to have. Pure.
    enum Limit: Equatable {
        /// The clients' own process had no time to poll when polls were due.
        case generator
        /// All cores were busy.
        case machine
        /// Timers were late, although neither of these was busy.
        case others
        case server(String)
    }

    /// A poll or two a client are at the edges of the measured time; more than this share missing is a limit.
    private static let tolerance = 0.02
    /// Timers that are later than this, in seconds, are not on time.
    private static let lateness = 0.1

    /// `nil`: the polls were made as intended.
    func limit(of phase: PhaseResult) -> Limit? {
        guard !phase.isPush, phase.rate < plan.intendedRate * (1 - Self.tolerance), phase.seconds > 0 else {
            return nil
        }
        // The generator has one thread for its clients.
        let generator = (phase.usage(of: PhaseResult.generator)?.cpuSeconds ?? 0) / phase.seconds
        let busy = (phase.serverSeconds / phase.seconds + generator) / Double(max(1, machine.cores))
        if generator >= 0.85, phase.generatorLateness ?? 0 > Self.lateness { return .generator }
        if busy >= 0.9 { return .machine }
        if phase.generatorLateness ?? 0 > Self.lateness { return .others }
        return .server(phase.usage(of: "Doorbell") == nil ? "the legacy API" : "Doorbell with the legacy API behind it")
    }
}
