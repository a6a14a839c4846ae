internal import DoorbellCore

/// `bytea` as PostgreSQL prints it, turned into base64 (RFC 4648, section 4, with padding).
///
/// Both forms of `bytea_output` are read, because the setting belongs to the session that wrote the row: `\x` and two
/// hexadecimal digits a byte; or bytes as they are, with `\\` for a backslash and `\ooo` for whatever does not print.
enum ByteaText {
    /// `nil` when `text` is in neither form.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let text = Array(text)
        return text.starts(with: [0x5C, 0x78]) ? hexadecimal(text[2...]) : escaped(text)
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var index = digits.startIndex
        while index < digits.endIndex {
            guard let high = HexDigit.value(digits[index]), let low = HexDigit.value(digits[index + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
            index += 2
        }
        return bytes
    }

    private static func escaped(_ text: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            guard text[index] == 0x5C else {
                bytes.append(text[index])
                index += 1
                continue
            }
            if index + 1 < text.count, text[index + 1] == 0x5C {
                bytes.append(0x5C)
                index += 2
                continue
            }
            guard index + 3 < text.count, (0x30...0x33).contains(text[index + 1]),
                (0x30...0x37).contains(text[index + 2]), (0x30...0x37).contains(text[index + 3])
            else { return nil }
            bytes.append((text[index + 1] - 0x30) << 6 | (text[index + 2] - 0x30) << 3 | (text[index + 3] - 0x30))
            index += 4
        }
        return bytes
    }

    /// Appends `bytes` as a JSON string in base64.
    static func appendBase64(_ bytes: [UInt8], to json: inout [UInt8]) {
        json.append(0x22)
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let b0 = bytes[index]
            let b1 = left > 1 ? bytes[index + 1] : 0
            let b2 = left > 2 ? bytes[index + 2] : 0
            json.append(digit(b0 >> 2))
            json.append(digit((b0 & 3) << 4 | b1 >> 4))
            json.append(left > 1 ? digit((b1 & 15) << 2 | b2 >> 6) : 0x3D)
            json.append(left > 2 ? digit(b2 & 63) : 0x3D)
            index += 3
        }
        json.append(0x22)
    }

    private static func digit(_ sextet: UInt8) -> UInt8 {
        switch sextet {
        case 0..<26: sextet + 0x41
        case 26..<52: sextet + 0x47
        case 52..<62: sextet - 4
        case 62: 0x2B
        default: 0x2F
        }
    }
}
