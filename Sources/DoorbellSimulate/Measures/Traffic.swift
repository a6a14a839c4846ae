/// What the clients of a phase did until some moment; differences are what they did in between.
struct Traffic: Sendable, Codable, Equatable {
    /// Polls that were answered, or messages that were received.
    var requests = 0
    /// Of them: nothing that the client did not have.
    var unchanged = 0
    /// Answers other than 200 and 304.
    var failures = 0
    /// Polls that were due while the one before had no answer.
    var skipped = 0
    /// Payload of the clients' TCP connections, to the server.
    var bytesUp = 0
    /// From the server.
    var bytesDown = 0

    static func - (later: Self, earlier: Self) -> Self {
        Self(
            requests: later.requests - earlier.requests, unchanged: later.unchanged - earlier.unchanged,
            failures: later.failures - earlier.failures, skipped: later.skipped - earlier.skipped,
            bytesUp: later.bytesUp - earlier.bytesUp, bytesDown: later.bytesDown - earlier.bytesDown)
    }
}
