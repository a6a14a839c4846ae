/// A step of a feature to another stage, as it is asked for.
public struct StageChange: Hashable, Sendable {
    /// Bytes of ``why``.
    public static let maximumWhy = 4096
    /// Bytes of ``who``.
    public static let maximumWho = 256
    /// Bytes of ``evidence``.
    public static let maximumEvidence = 64 << 10

    public var feature: String
    public var target: Rollout
    /// A person, or what decided in a person's place.
    public var who: String
    public var why: String?
    /// JSON: what the decision was made from.
    public var evidence: String?
    /// The revision (``Rollout/Entry/revision``) that it was decided upon, 0 while there is none: when somebody has moved the
    /// feature since, nothing is changed. `nil`: whatever is there.
    public var expected: Int64?
    /// Where the configuration lets the feature begin, for the audit log, while the database does not know it.
    public var initial: Rollout?

    public init(
        feature: String, target: Rollout, who: String, why: String? = nil, evidence: String? = nil,
        expected: Int64? = nil, initial: Rollout? = nil
    ) {
        self.feature = feature
        self.target = target
        self.who = who
        self.why = why
        self.evidence = evidence
        self.expected = expected
        self.initial = initial
    }
}
