/// A channel: where publications go and what clients subscribe to.
///
/// 1 to 255 bytes of `A-Z a-z 0-9` and `_ - . ~ @ + = % : / #`. Nothing else reaches the hub. `:` and `/` separate segments;
/// values that come from rows or URLs are percent-encoded by ``ChannelTemplate`` so that they can never contain one.
public struct ChannelName: Hashable, Sendable {
    public let rawValue: String

    public static let maximumLength = 255

    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard !bytes.isEmpty, bytes.count <= Self.maximumLength, bytes.allSatisfy(Self.isAllowed) else { return nil }
        self.rawValue = String(text)
    }

    /// For text that is made of allowed bytes only; `nil` when it is empty or too long.
    init?(allowed text: String) {
        guard !text.isEmpty, text.utf8.count <= Self.maximumLength else { return nil }
        self.rawValue = text
    }

    static func isAllowed(_ byte: UInt8) -> Bool {
        isValueByte(byte) || byte == 0x25 || isSeparator(byte) || byte == 0x23  // % and #
    }

    /// Bytes that a value may contribute unescaped.
    static func isValueByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true  // digits, letters
        case 0x5F, 0x2D, 0x2E, 0x7E, 0x40, 0x2B, 0x3D: true  // _ - . ~ @ + =
        default: false
        }
    }

    static func isSeparator(_ byte: UInt8) -> Bool { byte == 0x3A || byte == 0x2F }  // : /
}

extension ChannelName: CustomStringConvertible {
    public var description: String { rawValue }
}
