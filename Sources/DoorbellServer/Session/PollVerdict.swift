import DoorbellWire

/// What the legacy API said when it was asked, on a client's behalf, for a polled URL.
enum PollVerdict: Equatable, Sendable {
    /// 2xx or 304: the client may poll it. The answer is kept as a snapshot when it is small enough.
    case allowed(ServerMessage.Snapshot?)
    /// The legacy API knows the caller and says no, or does not know the URL; with its status.
    case refused(status: Int)
    /// No answer, or one that says nothing about rights (5xx, 429): with the reason, for people.
    case unavailable(String)

    /// How an answer with `status` is understood.
    static func status(_ status: Int, snapshot: @autoclosure () -> ServerMessage.Snapshot?) -> PollVerdict {
        switch status {
        case 200..<300, 304: .allowed(snapshot())
        case 408, 425, 429, 500...: .unavailable("the legacy API answered \(status)")
        default: .refused(status: status)
        }
    }
}
