import DoorbellCore
import DoorbellTesting

/// Runs N real clients against a legacy API, PostgreSQL and Doorbell, all started here and on loopback: first polling, then
/// pushed to, with the same changes. Needs a PostgreSQL server's programs, see `ScratchPostgres`.
public struct Simulation: Sendable {
    private let plan: SimulationPlan
    private let program: String
    private let progress: @Sendable (SimulationProgress) -> Void

    /// - Parameters:
    ///   - program: The `doorbell` command, which is also started for the legacy API and for Doorbell.
    ///   - progress: Told several times a second where the simulation is.
    public init(
        _ plan: SimulationPlan, program: String, progress: @escaping @Sendable (SimulationProgress) -> Void
    ) {
        self.plan = plan
        self.program = program
        self.progress = progress
    }

    /// Takes as long as its phases do, some minutes at most with the defaults. Whatever was started is ended when it returns or throws.
    ///
    /// - Throws: ``DoorbellError``: the options (``DoorbellError/Code/usage``), the machine (``DoorbellError/Code/system``), or a
    ///   process that failed (``DoorbellError/Code/service``, ``DoorbellError/Code/database``); `CancellationError`.
    public func run() async throws -> SimulationReport {
        try plan.check()
        try plan.check(descriptors: DescriptorLimit.raise())
        let phases = plan.phases
        let estimates = phases.map { PhaseRun.estimate(plan, $0) }
        let whole = estimates.reduce(2, +)
        progress(SimulationProgress(phase: "PostgreSQL", activity: "starting", share: 0, secondsLeft: whole))
        let site = try SimulationSite(plan, program: program)
        do {
            var results: [PhaseResult] = []
            for (index, kind) in phases.enumerated() {
                let later = estimates.dropFirst(index + 1).reduce(0, +)
                let run = PhaseRun(plan: plan, kind: kind, site: site) { [progress] activity, left, rate in
                    progress(
                        SimulationProgress(
                            phase: kind.name, activity: activity, share: 1 - min(1, (left + later) / whole),
                            secondsLeft: left + later, rate: rate))
                }
                results.append(try await run.run())
            }
            let machine = SimulationReport.Machine.current(database: try site.version())
            await site.remove()
            return SimulationReport(plan: plan, machine: machine, phases: results)
        } catch {
            // A task of its own: this one may be cancelled, and sleeps no more.
            await Task { await site.remove() }.value
            if let failure = error as? ScratchConnection.Failure {
                throw DoorbellError(.database, "the simulated database: \(failure)")
            }
            throw error
        }
    }
}
