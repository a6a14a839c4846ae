public import DoorbellCore

/// A feature as it is proposed, with the reasons.
public struct ProposedFeature: Sendable, Equatable {
    public enum Confidence: String, Sendable { case high, medium, low, none }

    public enum Channel: Sendable, Equatable {
        case template(String)
        case query(String)
    }

    public struct Table: Sendable, Equatable {
        public var name: QualifiedName
        public var channel: Channel
        /// Why it, what it is like, and what to mind; a line each.
        public var reasons: [String] = []
        public var facts: String = ""
        public var warnings: [String] = []
    }

    public var name: String
    /// Method and route.
    public var poll: String
    /// Seconds.
    public var interval: Double?
    public var figures: [String] = []
    public var mode = Feature.Mode.signal
    public var modeReason: String
    /// How the polled URL names its channel; `nil`: a table's template says it.
    public var channel: String?
    public var tables: [Table] = []
    /// For `rows`: the columns that are told.
    public var columns: [String] = []
    public var confidence = Confidence.none
    /// What the tables were found by.
    public var basis = ""
    /// Tables that may belong to it and were not taken, and what else is to be looked at; a line each.
    public var hints: [String] = []
}
