/// Where a feature stands between polling and push, and who put it there.
public struct Rollout: Hashable, Sendable {
    public let stage: Stage
    /// How many clients are told to use push in `canary`; `nil` in every other stage.
    public let percent: Percent?
    /// What the database knows about it; `nil` while it has no row, and the configuration's own stage holds.
    public let entry: Entry?

    public struct Entry: Hashable, Sendable {
        /// Number of its record in the audit log. Grows with every change of any feature.
        public let revision: Int64
        public let since: Timestamp
        public let who: String
        public let why: String?

        public init(revision: Int64, since: Timestamp, who: String, why: String?) {
            self.revision = revision
            self.since = since
            self.who = who
            self.why = why
        }
    }

    /// - Parameter percent: Counts in `canary` only; 0 there when it is missing.
    public init(_ stage: Stage, percent: Percent? = nil, entry: Entry? = nil) {
        self.stage = stage
        self.percent = stage == .canary ? percent ?? .zero : nil
        self.entry = entry
    }

    /// The share of clients that are told to use push, but for those on lists.
    public var share: Percent {
        switch stage {
        case .observe, .shadow: .zero
        case .canary: percent ?? .zero
        case .push, .retired: .all
        }
    }

    /// Whether a client is to be told the same by both.
    public func tellsTheSame(as other: Rollout) -> Bool { stage == other.stage && percent == other.percent }
}

extension Rollout: CustomStringConvertible {
    /// `canary 5 %`, `push`.
    public var description: String { percent.map { "\(stage.rawValue) \($0) %" } ?? stage.rawValue }
}
