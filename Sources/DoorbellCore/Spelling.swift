/// How PostgreSQL writes the values of a column: of all spellings that a legacy API may take for the same value (`7`, `07`, `+7`), the one
/// that rows name their channels by.
public enum Spelling: Hashable, Sendable {
    case integer
    case uuid

    /// Whether `text` is a value in that spelling.
    public func isKept(by text: String) -> Bool {
        let bytes = Array(text.utf8)
        switch self {
        case .integer:
            let digits = bytes.first == 0x2D ? bytes.dropFirst() : bytes[...]
            guard let first = digits.first, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
            return first != 0x30 || bytes.count == 1
        case .uuid:
            guard bytes.count == 36 else { return false }
            return bytes.enumerated().allSatisfy { index, byte in
                switch index {
                case 8, 13, 18, 23: byte == 0x2D
                default: (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
                }
            }
        }
    }
}
