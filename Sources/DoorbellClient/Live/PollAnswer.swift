/// What a poll was answered, as far as a feed reads it.
struct PollAnswer: Sendable {
    var status = 200
    var contentType: String?
    var entityTag: String?
    /// `Doorbell-Position`: everything up to it is in the body.
    var position: String?
    /// `Doorbell-Feature`.
    var feature: String?
    /// `Doorbell-Transport`: `poll` or `push`.
    var transport: String?
    /// Whether there is `Deprecation`: polling is about to end, or polls are refused.
    var isDeprecated = false
    var body: [UInt8] = []

    var isKnown: Bool { status == 304 || (200..<300).contains(status) }

    /// The body as a value: a string where the answer does not claim to be JSON; `nil` when it claims so and is not.
    var value: JSONValue? {
        let type = (contentType ?? "application/json").lowercased()
        guard type.contains("/json") || type.contains("+json") else {
            return .string(String(decoding: body, as: UTF8.self))
        }
        return try? JSONValue(parsing: body)
    }
}
