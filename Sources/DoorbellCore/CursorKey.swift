/// Whose acknowledgements on which channel a durable cursor keeps.
public struct CursorKey: Hashable, Sendable {
    /// The longest ``client``, in bytes.
    public static let maximumClient = 128

    /// Who the client is to the service: nobody can name another's. A digest, so that no credential is stored.
    public let identity: String
    /// Which of that identity's clients, by its own choice: visible ASCII.
    public let client: String
    public let channel: ChannelName

    public init(identity: String, client: String, channel: ChannelName) {
        self.identity = identity
        self.client = client
        self.channel = channel
    }
}
