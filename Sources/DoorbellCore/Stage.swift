/// How far a feature has moved from polling to push, in order.
public enum Stage: String, Hashable, Sendable, CaseIterable {
    /// Clients poll; Doorbell measures.
    case observe
    /// As `observe`; changes are captured and translated too, and may be tailed.
    case shadow
    /// A share of the clients is told to use push: see ``Rollout/percent``.
    case canary
    /// Clients are told to use push.
    case push
    /// As `push`; polling is about to end.
    case retired
}

extension Stage: Comparable {
    private var rank: Int {
        switch self {
        case .observe: 0
        case .shadow: 1
        case .canary: 2
        case .push: 3
        case .retired: 4
        }
    }

    public static func < (a: Stage, b: Stage) -> Bool { a.rank < b.rank }
}
