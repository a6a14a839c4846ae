/// What gates have done and would do: what `doorbell gate` shows.
public struct GateReport: Sendable, Codable, Equatable {
    public var gates: [Entry]

    public struct Entry: Sendable, Codable, Equatable {
        public var feature: String
        /// Such as `canary 10 %`.
        public var stage: String
        /// One node of several decides: the one that makes the ticks.
        public var isDeciding: Bool
        /// Seconds until the next check.
        public var nextCheck: Double
        public var threshold: Int
        /// The last check of this process.
        public var last: GateDecision?
        /// What a check would do now.
        public var now: GateDecision

        public init(
            feature: String, stage: String, isDeciding: Bool, nextCheck: Double, threshold: Int, last: GateDecision?,
            now: GateDecision
        ) {
            self.feature = feature
            self.stage = stage
            self.isDeciding = isDeciding
            self.nextCheck = nextCheck
            self.threshold = threshold
            self.last = last
            self.now = now
        }
    }

    public init(gates: [Entry]) { self.gates = gates }
}
