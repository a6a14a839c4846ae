public import DoorbellCore

/// What a feed does, beside its interval and its rows; the defaults are for most.
public struct FeedOptions: Sendable {
    public enum Transport: String, Sendable {
        /// The server decides.
        case auto
        /// Never anything but polls.
        case poll
        /// Push whenever it works, even if the server says `poll`.
        case push
    }

    public var transport = Transport.auto
    /// Makes a new state of the present one and a row change, for lists that ``RowList`` cannot describe; `nil`: the state is
    /// fetched. Called on an event loop: must not block.
    public var apply: (@Sendable (_ state: JSONValue, _ change: FeedMessage) -> JSONValue?)?
    /// How often the pushed state is compared with a poll, and repaired; zero: never.
    public var drift = Duration.seconds(300)
    /// Silence after which a connection is doubted and polls begin; `nil`: the interval. At least 50 ms.
    public var proof: Duration?
    /// Wanted schema versions of messages, best first.
    public var versions: [SchemaVersion] = []

    public init() {}
}
