/// Why something that a client said was not written into the database.
public enum WriteFailure: Error, Hashable, Sendable {
    /// Nothing is written here at all.
    case notSupported
    /// Too much is waiting already. Not done.
    case overloaded
    /// The database was not reached in time. Not done.
    case unavailable
    /// The database refused what it was given, with its words. Not done.
    case refused(String)
    /// The connection broke, or no answer came, after it was sent: perhaps done.
    case uncertain

    /// Whether it is about what was written, and not about the database.
    public var isRefusal: Bool { if case .refused = self { true } else { false } }
}
