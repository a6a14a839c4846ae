/// One HTTP header field inside a message: of a `request`, or of the `response` to it.
public struct HeaderField: Hashable, Sendable {
    /// In lower case.
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name.utf8.contains { $0 >= 0x41 && $0 <= 0x5A } ? name.lowercased() : name
        self.value = value
    }
}
