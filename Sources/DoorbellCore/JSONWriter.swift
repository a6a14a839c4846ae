/// Appends JSON (RFC 8259) to bytes.
public enum JSONWriter {
    /// A quoted string. Escapes only what JSON requires.
    public static func string(_ text: some StringProtocol, to bytes: inout [UInt8]) {
        bytes.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C:
                bytes.append(0x5C)
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
            case 0x0D: bytes.append(contentsOf: [0x5C, 0x72])
            case 0x09: bytes.append(contentsOf: [0x5C, 0x74])
            case 0x00..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                for nibble in [byte >> 4, byte & 15] { bytes.append(nibble < 10 ? nibble + 0x30 : nibble + 0x57) }
            default: bytes.append(byte)
            }
        }
        bytes.append(0x22)
    }

    public static func integer(_ number: some BinaryInteger, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: String(number).utf8)
    }

    /// A string made of `text` when it is not nil, else `null`.
    public static func string(orNull text: (some StringProtocol)?, to bytes: inout [UInt8]) {
        if let text { string(text, to: &bytes) } else { bytes.append(contentsOf: "null".utf8) }
    }
}
