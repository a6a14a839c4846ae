/// What an operator has to know to change anything on the admin port. Descriptions and mirrors of it say nothing.
public struct AdminToken: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// Characters, each a byte.
    static let length = 16...512

    private let bytes: [UInt8]

    /// `nil` unless it is 16 to 512 visible ASCII characters: anything else would not survive a header.
    public init?(_ text: String) {
        guard Self.length.contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        bytes = Array(text.utf8)
    }

    /// The value of `Authorization` that shows it.
    public var authorization: String { "Bearer " + String(decoding: bytes, as: UTF8.self) }

    /// Takes as long whichever byte differs.
    func matches(_ text: some StringProtocol) -> Bool {
        let other = Array(text.utf8)
        guard other.count == bytes.count else { return false }
        return zip(bytes, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    public var description: String { "<secret>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
