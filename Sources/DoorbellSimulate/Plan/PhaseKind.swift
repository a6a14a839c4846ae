/// How the clients of one phase are told what changes.
enum PhaseKind: Sendable, Equatable {
    /// Polling the legacy API, as it is before Doorbell: no trigger, no proxy.
    case polling
    /// The same with `If-None-Match`.
    case conditional
    /// Polling Doorbell, which answers from memory while nothing has changed.
    case cached
    case push(SimulationPlan.Transport)

    /// The head of its column.
    var name: String {
        switch self {
        case .polling: "polling"
        case .conditional: "with ETags"
        case .cached: "with cache"
        case .push(.webSocket): "push (WebSocket)"
        case .push(.eventStream): "push (SSE)"
        case .push(.heldPoll): "push (long-poll)"
        }
    }

    var isPush: Bool { if case .push = self { true } else { false } }
    /// Whether clients connect to Doorbell.
    var usesDoorbell: Bool { isPush || self == .cached }
    /// Whether clients send the entity tag of the answer before.
    var sendsTags: Bool { self == .conditional }
}
