import DoorbellCore

/// Bytes of unknown origin that go into a message as JSON.
enum JSONText {
    /// Whether `bytes` are one JSON value and nothing else.
    static func isValid(_ bytes: [UInt8]) -> Bool {
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
    static func string(_ bytes: [UInt8]) -> [UInt8] {
        var json: [UInt8] = []
        json.reserveCapacity(bytes.count + 16)
        JSONWriter.string(String(decoding: bytes, as: UTF8.self), to: &json)
        return json
    }
}
