/// Bytes that must not be shown: descriptions, dumps and mirrors of it say nothing.
public struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The UTF-8 bytes of a text.
    public init(_ text: String) { bytes = Array(text.utf8) }

    /// Bytes written in base64url, with or without padding; `nil` when the text is not that.
    public init?(base64URL text: String) {
        var digits = Substring(text)
        while digits.last == "=" { digits.removeLast() }
        guard let bytes = Base64URL.decode(digits.utf8) else { return nil }
        self.bytes = bytes
    }

    /// In bytes.
    public var count: Int { bytes.count }

    public var description: String { "<secret>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
