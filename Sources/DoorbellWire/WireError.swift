/// A message of a client that cannot be understood. The connection lives; the client is told (``reply``).
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, for the person who writes the client.
    public let message: String
    /// The request's `id` as raw JSON text, when it could be read.
    public let id: String?

    public init(_ message: String, id: String? = nil) {
        self.message = message
        self.id = id
    }

    /// The `error` message that answers the request.
    public var reply: ServerMessage { .error(.badRequest, message: message, id: id, channel: nil) }

    public var description: String { message }
}
