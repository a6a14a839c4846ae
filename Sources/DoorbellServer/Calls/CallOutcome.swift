import DoorbellWire

/// How a call to the legacy API ended.
enum CallOutcome: Equatable {
    case answered(ServerMessage.Response)
    /// The answer is longer than ``ServerMessage/Response/maximumBodyLength``.
    case tooLong
    /// The client did not read, and other answers wait for it already.
    case unread
    /// It cannot be put as a request of HTTP; with the reason.
    case refused(String)
    /// No answer, or not a whole one; with the reason.
    case failed(String)
}
