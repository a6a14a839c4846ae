/// What a simulation found: what `doorbell simulate` prints.
public struct SimulationReport: Sendable, Codable, Equatable {
    public var plan: SimulationPlan
    public var machine: Machine
    /// In the order they ran, push last.
    public var phases: [PhaseResult]

    /// What it ran on.
    public struct Machine: Sendable, Codable, Equatable {
        public var cores: Int
        /// As the processor calls itself; empty: not known.
        public var processor: String
        /// Name and release.
        public var kernel: String
        /// `PostgreSQL 15.4`.
        public var database: String
    }
}
