/// Reads JSON (RFC 8259) from bytes without building a tree: callers pick the members they want and skip the rest, and a
/// skipped value is a range of bytes that can be passed on unchanged.
///
/// Strict: no comments, no trailing commas, valid UTF-8 and valid escapes in strings. Nesting is bounded by
/// ``maximumDepth`` and no method recurses, so hostile input costs one pass and no stack.
public struct JSONScanner {
    public static let maximumDepth = 512

    private let bytes: [UInt8]
    public private(set) var offset: Int

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.offset = 0
    }

    // MARK: Reading

    /// The next value's first byte, after white space; `nil` at the end.
    public mutating func peek() -> UInt8? {
        skipSpace()
        return offset < bytes.count ? bytes[offset] : nil
    }

    /// Reads an object; `member` is called with each key and must consume exactly the value.
    public mutating func object(
        _ member: (_ key: String, _ scanner: inout JSONScanner) throws(JSONError) -> Void
    ) throws(JSONError) {
        try expect(0x7B, "expected '{'")
        if peek() == 0x7D {
            offset += 1
            return
        }
        while true {
            guard peek() == 0x22 else { throw JSONError("expected a member name", at: offset) }
            let key = try string()
            try expect(0x3A, "expected ':'")
            try member(key, &self)
            switch peek() {
            case 0x2C: offset += 1
            case 0x7D:
                offset += 1
                return
            default: throw JSONError("expected ',' or '}'", at: offset)
            }
        }
    }

    /// Reads an array; `element` must consume exactly one value each time.
    public mutating func array(
        _ element: (_ scanner: inout JSONScanner) throws(JSONError) -> Void
    ) throws(JSONError) {
        try expect(0x5B, "expected '['")
        if peek() == 0x5D {
            offset += 1
            return
        }
        while true {
            try element(&self)
            switch peek() {
            case 0x2C: offset += 1
            case 0x5D:
                offset += 1
                return
            default: throw JSONError("expected ',' or ']'", at: offset)
            }
        }
    }

    /// Reads a string and decodes its escapes. A lone surrogate becomes U+FFFD.
    public mutating func string() throws(JSONError) -> String {
        skipSpace()
        let range = try skipString()
        // A slice of the array would retain it: this is the hot path of every row.
        let plain: String? = bytes.withUnsafeBufferPointer { bytes in
            let raw = UnsafeBufferPointer(rebasing: bytes[(range.lowerBound + 1)..<(range.upperBound - 1)])
            return raw.contains(0x5C) ? nil : String(decoding: raw, as: UTF8.self)
        }
        return plain ?? Self.unescape(bytes[(range.lowerBound + 1)..<(range.upperBound - 1)])
    }

    /// Reads an integer that fits `Int64`.
    public mutating func integer() throws(JSONError) -> Int64 {
        skipSpace()
        let start = offset
        let range = try skipNumber()
        guard let number = Int64(String(decoding: bytes[range], as: UTF8.self)) else {
            throw JSONError("expected a whole number", at: start)
        }
        return number
    }

    public mutating func bool() throws(JSONError) -> Bool {
        skipSpace()
        if starts(with: "true") {
            offset += 4
            return true
        }
        if starts(with: "false") {
            offset += 5
            return false
        }
        throw JSONError("expected true or false", at: offset)
    }

    /// Consumes `null` when it stands next.
    public mutating func null() -> Bool {
        skipSpace()
        guard starts(with: "null") else { return false }
        offset += 4
        return true
    }

    /// Skips one value of any kind and says where it stands. Validates it on the way.
    @discardableResult
    public mutating func skipValue() throws(JSONError) -> Range<Int> {
        skipSpace()
        let start = offset
        // One bit a level: set for an object. 512 levels in eight words.
        var kinds: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
        var depth = 0
        func isObject(_ level: Int) -> Bool {
            withUnsafeBytes(of: kinds) { $0.bindMemory(to: UInt64.self)[level >> 6] & (1 << UInt64(level & 63)) != 0 }
        }
        value: while true {
            skipSpace()
            guard offset < bytes.count else { throw JSONError("unexpected end", at: offset) }
            switch bytes[offset] {
            case 0x22: _ = try skipString()
            case 0x7B, 0x5B:
                let object = bytes[offset] == 0x7B
                guard depth < Self.maximumDepth else { throw JSONError("nested too deeply", at: offset) }
                withUnsafeMutableBytes(of: &kinds) {
                    let words = $0.bindMemory(to: UInt64.self)
                    let bit = UInt64(1) << UInt64(depth & 63)
                    if object { words[depth >> 6] |= bit } else { words[depth >> 6] &= ~bit }
                }
                depth += 1
                offset += 1
                skipSpace()
                if offset < bytes.count, bytes[offset] == (object ? 0x7D : 0x5D) {
                    offset += 1
                    depth -= 1
                } else {
                    if object { try skipMemberName() }
                    continue value
                }
            case 0x74:
                guard starts(with: "true") else { throw JSONError("expected a value", at: offset) }
                offset += 4
            case 0x66:
                guard starts(with: "false") else { throw JSONError("expected a value", at: offset) }
                offset += 5
            case 0x6E:
                guard starts(with: "null") else { throw JSONError("expected a value", at: offset) }
                offset += 4
            default: _ = try skipNumber()
            }
            // A value has ended: close what it closes, or go on to the next.
            while true {
                if depth == 0 { return start..<offset }
                skipSpace()
                guard offset < bytes.count else { throw JSONError("unexpected end", at: offset) }
                let object = isObject(depth - 1)
                switch bytes[offset] {
                case 0x2C:
                    offset += 1
                    if object { try skipMemberName() }
                    continue value
                case 0x7D where object, 0x5D where !object:
                    offset += 1
                    depth -= 1
                default: throw JSONError(object ? "expected ',' or '}'" : "expected ',' or ']'", at: offset)
                }
            }
        }
    }

    /// Checks that nothing but white space is left.
    public mutating func end() throws(JSONError) {
        guard peek() == nil else { throw JSONError("unexpected text after the value", at: offset) }
    }

    // MARK: Texts

    /// A raw JSON value as plain text: a string's contents, anything else as it stands; `nil` for `null`.
    public static func plainText(_ value: ArraySlice<UInt8>) -> String? {
        if value.first == 0x22 { return unescape(value.dropFirst().dropLast()) }
        if value.elementsEqual("null".utf8) { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    private static func unescape(_ raw: ArraySlice<UInt8>) -> String {
        guard raw.contains(0x5C) else { return String(decoding: raw, as: UTF8.self) }
        var text: [UInt8] = []
        text.reserveCapacity(raw.count)
        var units: [UInt16] = []
        var index = raw.startIndex
        func flush(_ units: inout [UInt16], _ text: inout [UInt8]) {
            if !units.isEmpty { text.append(contentsOf: String(decoding: units, as: UTF16.self).utf8) }
            units.removeAll(keepingCapacity: true)
        }
        while index < raw.endIndex {
            let byte = raw[index]
            guard byte == 0x5C, index + 1 < raw.endIndex else {
                flush(&units, &text)
                text.append(byte)
                index += 1
                continue
            }
            let escape = raw[index + 1]
            index += 2
            if escape == 0x75, index + 4 <= raw.endIndex {
                units.append(raw[index..<(index + 4)].reduce(0) { $0 << 4 | UInt16(hexValue($1) ?? 0) })
                index += 4
                continue
            }
            flush(&units, &text)
            switch escape {
            case 0x6E: text.append(0x0A)
            case 0x74: text.append(0x09)
            case 0x72: text.append(0x0D)
            case 0x62: text.append(0x08)
            case 0x66: text.append(0x0C)
            default: text.append(escape)
            }
        }
        flush(&units, &text)
        return String(decoding: text, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    // MARK: Pieces

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }

    private mutating func expect(_ byte: UInt8, _ reason: String) throws(JSONError) {
        guard peek() == byte else { throw JSONError(reason, at: offset) }
        offset += 1
    }

    private func starts(with word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard offset + count <= bytes.count else { return false }
        for index in 0..<count where bytes[offset + index] != word.utf8Start[index] { return false }
        return true
    }

    private mutating func skipMemberName() throws(JSONError) {
        skipSpace()
        guard offset < bytes.count, bytes[offset] == 0x22 else { throw JSONError("expected a member name", at: offset) }
        _ = try skipString()
        try expect(0x3A, "expected ':'")
    }

    /// Whether a string of this JSON names half of a surrogate pair by itself (RFC 8259, section 8.2): JSON, but not text.
    ///
    /// - Parameter json: Valid.
    public static func hasLoneSurrogate(_ json: [UInt8]) -> Bool {
        func unit(at index: Int) -> Int? {
            guard index + 6 <= json.count, json[index] == 0x5C, json[index + 1] == 0x75 else { return nil }
            return json[(index + 2)..<(index + 6)].reduce(0) { $0 << 4 | Int(hexValue($1) ?? 0) }
        }
        var index = 0
        while let escape = json[index...].firstIndex(of: 0x5C) {
            guard let half = unit(at: escape) else {
                index = min(escape + 2, json.count)
                continue
            }
            index = escape + 6
            guard (0xD800..<0xE000).contains(half) else { continue }
            guard half < 0xDC00, let low = unit(at: index), (0xDC00..<0xE000).contains(low) else { return true }
            index += 6
        }
        return false
    }

    /// Skips a string with its quotes; the caller stands on the first quote.
    private mutating func skipString() throws(JSONError) -> Range<Int> {
        let start = offset
        guard offset < bytes.count, bytes[offset] == 0x22 else { throw JSONError("expected a string", at: offset) }
        // Most strings are plain ASCII from end to end.
        var index = bytes.withUnsafeBufferPointer { bytes in
            var index = start + 1
            while index < bytes.count, Self.isPlain(bytes[index]) { index += 1 }
            return index
        }
        var ascii = true
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case 0x22:
                offset = index + 1
                if !ascii, !Self.isUTF8(bytes[(start + 1)..<index]) { throw JSONError("invalid UTF-8", at: start) }
                return start..<offset
            case 0x5C:
                guard index + 1 < bytes.count else { throw JSONError("unterminated string", at: start) }
                switch bytes[index + 1] {
                case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: index += 2
                case 0x75:
                    guard index + 6 <= bytes.count,
                        bytes[(index + 2)..<(index + 6)].allSatisfy({ Self.hexValue($0) != nil })
                    else { throw JSONError("invalid \\u escape", at: index) }
                    index += 6
                default: throw JSONError("invalid escape", at: index)
                }
            case 0x00..<0x20: throw JSONError("control character in a string", at: index)
            default:
                if byte >= 0x80 { ascii = false }
                index += 1
            }
        }
        throw JSONError("unterminated string", at: start)
    }

    /// ASCII that stands for itself in a string.
    private static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C }

    private static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    private mutating func skipNumber() throws(JSONError) -> Range<Int> {
        let start = offset
        var index = offset
        func digits() -> Bool {
            let first = index
            while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
            return index > first
        }
        if index < bytes.count, bytes[index] == 0x2D { index += 1 }
        let lead = index
        guard digits() else { throw JSONError("expected a value", at: start) }
        if bytes[lead] == 0x30, index - lead > 1 { throw JSONError("a number may not begin with 0", at: start) }
        if index < bytes.count, bytes[index] == 0x2E {
            index += 1
            guard digits() else { throw JSONError("expected a digit", at: index) }
        }
        if index < bytes.count, bytes[index] | 0x20 == 0x65 {
            index += 1
            if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
            guard digits() else { throw JSONError("expected a digit", at: index) }
        }
        offset = index
        return start..<index
    }
}
