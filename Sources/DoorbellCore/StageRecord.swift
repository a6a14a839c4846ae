/// One entry of the audit log: a feature was moved.
public struct StageRecord: Hashable, Sendable {
    public let revision: Int64
    public let at: Timestamp
    public let feature: String
    /// `nil`: where the configuration had let it begin, and nobody said so.
    public let before: Rollout?
    public let after: Rollout
    /// Who did it, by their own word.
    public let who: String
    /// The PostgreSQL user of that session.
    public let login: String
    public let why: String?
    /// JSON.
    public let evidence: String?

    public init(
        revision: Int64, at: Timestamp, feature: String, before: Rollout?, after: Rollout, who: String, login: String,
        why: String?, evidence: String?
    ) {
        self.revision = revision
        self.at = at
        self.feature = feature
        self.before = before
        self.after = after
        self.who = who
        self.login = login
        self.why = why
        self.evidence = evidence
    }
}
