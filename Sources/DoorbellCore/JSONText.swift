/// Bytes of unknown origin that go into a message as JSON.
public enum JSONText {
    /// How deep a value may be nested that becomes a part of a message. Readers have limits of their own, and the message, perhaps
    /// in a batch, adds levels: half of ``JSONScanner/maximumDepth`` leaves room for them.
    public static let maximumDepth = JSONScanner.maximumDepth / 2

    /// Whether `bytes` are one JSON value that can become a part of a message as it stands.
    public static func isEmbeddable(_ bytes: [UInt8]) -> Bool { isValid(bytes) && depth(bytes) <= maximumDepth }

    /// How many arrays and objects are open at once, of JSON that is valid.
    public static func depth(_ json: [UInt8]) -> Int {
        var (depth, deepest) = (0, 0)
        var (isInString, isEscaped) = (false, false)
        for byte in json {
            if isEscaped {
                isEscaped = false
            } else if isInString {
                if byte == 0x22 { isInString = false } else { isEscaped = byte == 0x5C }
            } else {
                switch byte {
                case 0x22: isInString = true
                case 0x5B, 0x7B:
                    depth += 1
                    deepest = max(deepest, depth)
                case 0x5D, 0x7D: depth -= 1
                default: break
                }
            }
        }
        return deepest
    }

    /// Whether `bytes` are one JSON value and nothing else.
    public static func isValid(_ bytes: [UInt8]) -> Bool {
        var scanner = JSONScanner(bytes)
        do {
            try scanner.skipValue()
            try scanner.end()
            return true
        } catch {
            return false
        }
    }

    /// A JSON string of the text; bytes that are not UTF-8 become U+FFFD.
    public static func string(_ bytes: [UInt8]) -> [UInt8] {
        var json: [UInt8] = []
        json.reserveCapacity(bytes.count + 16)
        JSONWriter.string(String(decoding: bytes, as: UTF8.self), to: &json)
        return json
    }
}
