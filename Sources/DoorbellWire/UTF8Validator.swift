/// Validates UTF-8 (RFC 3629) that comes in pieces, and says no at the first byte that cannot be part of any text.
struct UTF8Validator {
    /// Continuation bytes still to come.
    private var missing: UInt8 = 0
    /// What the next continuation byte may be: narrower after some first bytes, so that overlong forms, surrogates and values
    /// above U+10FFFF are refused.
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xBF

    /// Whether the text may end here.
    var isComplete: Bool { missing == 0 }

    /// - Returns: `false` when the text is not UTF-8. Nothing may be fed after that.
    mutating func consume(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < bytes.count {
            if missing == 0 {
                while index + 8 <= bytes.count,
                    bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                { index += 8 }
                guard index < bytes.count else { return true }
            }
            let byte = bytes[index]
            index += 1
            if missing > 0 {
                guard byte >= low, byte <= high else { return false }
                (missing, low, high) = (missing - 1, 0x80, 0xBF)
                continue
            }
            switch byte {
            case 0x00...0x7F: break
            case 0xC2...0xDF: missing = 1
            case 0xE0: (missing, low) = (2, 0xA0)
            case 0xED: (missing, high) = (2, 0x9F)
            case 0xE1...0xEF: missing = 2
            case 0xF0: (missing, low) = (3, 0x90)
            case 0xF1...0xF3: missing = 3
            case 0xF4: (missing, high) = (3, 0x8F)
            default: return false
            }
        }
        return true
    }
}
