/// Digits to the base 16, of either case.
package enum HexDigit {
    /// What the ASCII digit stands for; `nil` where it is none.
    @inlinable package static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
