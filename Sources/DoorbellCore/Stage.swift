/// How far a feature has moved from polling to push.
public enum Stage: String, Hashable, Sendable, CaseIterable {
    /// Clients poll; Doorbell measures.
    case observe
    /// As `observe`; changes are captured and translated too, and may be tailed.
    case shadow
    /// Clients are told to use push.
    case push

    /// Whether a poll answer tells clients to use push.
    public var usesPush: Bool { self == .push }
}
