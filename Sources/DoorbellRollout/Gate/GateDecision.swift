public import DoorbellCore

/// What a gate does, and why. As JSON it is the evidence in the audit log and the body of the webhook.
public struct GateDecision: Sendable, Codable, Hashable {
    public enum Verdict: String, Sendable, Codable {
        case successful, failed, inconclusive
    }

    public enum Action: String, Sendable, Codable {
        case promote, rollback, hold
    }

    /// One condition.
    public struct Check: Sendable, Codable, Hashable {
        public enum Result: String, Sendable, Codable {
            case passed, failed
            /// Too little to judge by.
            case open
        }

        public var name: String
        public var result: Result
        /// A sentence with figures and limit.
        public var text: String
    }

    public var feature: String
    public var verdict: Verdict
    public var action: Action
    /// Such as `canary 10 %`.
    public var from: String
    /// `nil`: where it is.
    public var to: String?
    /// Why that follows, in a sentence.
    public var reason: String
    /// Failed checks, one after the other, with this one.
    public var failures: Int
    public var checks: [Check]
    public var evidence: GateEvidence

    /// Where it is moved; `nil`: it stays.
    var target: Target?

    /// ``Rollout`` without what the database knows.
    struct Target: Sendable, Codable, Hashable {
        let stage: String
        let hundredths: Int?
    }

    /// Where the feature is to be moved; `nil`: it stays.
    public var rollout: Rollout? {
        guard let target, let stage = Stage(rawValue: target.stage) else { return nil }
        return Rollout(stage, percent: target.hundredths.flatMap { Percent(hundredths: $0) })
    }

    private enum CodingKeys: String, CodingKey {
        case feature, verdict, action, from, to, reason, failures, checks, evidence
    }
}

extension GateDecision.Target {
    init(_ rollout: Rollout) {
        self.init(stage: rollout.stage.rawValue, hundredths: rollout.percent?.hundredths)
    }
}
