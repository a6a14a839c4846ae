import DoorbellCore

/// One unmasked text frame in the making: JSON is appended after room for the frame header, which is filled in at the end.
///
/// The room is what most messages need (126 to 65,535 bytes of payload); others are moved once.
struct FrameBuilder {
    private static let reserved = 4
    private(set) var bytes: [UInt8]

    /// - Parameter capacity: About how many bytes the JSON takes.
    init(capacity: Int) {
        bytes = []
        bytes.reserveCapacity(Self.reserved + capacity)
        append("\0\0\0\0")
    }

    mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// JSON, as it stands.
    mutating func append(raw json: [UInt8]) { bytes.append(contentsOf: json) }

    /// JSON, as it stands.
    mutating func append(raw json: ArraySlice<UInt8>) { bytes.append(contentsOf: json) }

    /// JSON, as it stands.
    mutating func append(raw json: String) { bytes.append(contentsOf: json.utf8) }

    /// A quoted string.
    mutating func append(string text: String) {
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
            JSONWriter.string(text, to: &bytes)
        } else {
            append(plain: text)
        }
    }

    /// Quoted strings with commas between them.
    mutating func append(strings: [String]) {
        var isFirst = true
        for text in strings {
            if !isFirst { append(",") }
            isFirst = false
            append(string: text)
        }
    }

    /// A quoted string of bytes that need no escapes.
    mutating func append(plain text: String) {
        bytes.append(0x22)
        bytes.append(contentsOf: text.utf8)
        bytes.append(0x22)
    }

    mutating func append(_ flag: Bool) { if flag { append("true") } else { append("false") } }

    mutating func append(_ number: Int64) {
        if number < 0 { bytes.append(0x2D) }
        append(number.magnitude)
    }

    mutating func append(_ number: UInt64) {
        // 20 digits: 2^64 - 1.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var index = 20
            var rest = number
            repeat {
                index -= 1
                digits[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: digits[index...]))
        }
    }

    /// The quoted wire form, without making a String of it.
    mutating func append(_ position: Position) {
        bytes.append(0x22)
        append(position.epoch)
        bytes.append(0x2E)
        append(position.tick)
        bytes.append(0x2D)
        append(position.seq)
        bytes.append(0x22)
    }

    /// The frame. The builder is spent.
    ///
    /// - Parameters:
    ///   - type: The `type` that was written.
    ///   - position: The `position` that was written.
    consuming func finish(type: String, position: Position? = nil) -> EncodedMessage {
        let length = bytes.count - Self.reserved
        guard !(126...0xFFFF).contains(length) else {
            bytes[0] = 0x81
            bytes[1] = 126
            bytes[2] = UInt8(truncatingIfNeeded: length >> 8)
            bytes[3] = UInt8(truncatingIfNeeded: length)
            return EncodedMessage(frame: bytes, payloadOffset: Self.reserved, type: type, position: position)
        }
        var header: [UInt8] = []
        WebSocketFrame.appendHeader(.text, length: length, to: &header)
        bytes.replaceSubrange(0..<Self.reserved, with: header)
        return EncodedMessage(frame: bytes, payloadOffset: header.count, type: type, position: position)
    }
}
