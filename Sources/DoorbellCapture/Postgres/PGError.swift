/// What went wrong on one connection.
struct PGError: Error, Sendable, CustomStringConvertible {
    enum Kind: Sendable, Hashable {
        /// Never connected, or not any more: nothing that was sent may be assumed done or not done.
        case connection
        /// The server refused a statement; the connection is still good.
        case statement
        /// No answer within the deadline; the connection cannot be used any further.
        case timeout
        /// Whoever owns the connection was told to stop.
        case stopped
    }

    let kind: Kind
    /// The server's or libpq's own words, on one line, never with a password.
    let message: String
    /// The server's five letters, such as `42501`; `nil` when the server did not say any.
    let sqlState: String?

    init(_ kind: Kind, _ message: String, sqlState: String? = nil) {
        self.kind = kind
        self.message = message
        self.sqlState = sqlState
    }

    static let stopped = PGError(.stopped, "the service is stopping")

    var description: String { message }
}
