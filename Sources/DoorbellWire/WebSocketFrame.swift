public import DoorbellCore

/// Writing frames of RFC 6455, section 5.2. Reading them is ``WebSocketFrameParser``'s work.
public enum WebSocketFrame {
    public enum Opcode: UInt8, Sendable {
        case continuation = 0x0
        case text = 0x1
        case binary = 0x2
        case close = 0x8
        case ping = 0x9
        case pong = 0xA

        public var isControl: Bool { rawValue >= 0x8 }
    }

    /// The longest payload of a control frame, in bytes.
    public static let maximumControlPayload = 125

    /// The header alone: 2, 4 or 10 bytes, and 4 more for a mask.
    ///
    /// - Parameters:
    ///   - length: Of the payload, in bytes.
    ///   - isFinal: `false` for all but the last frame of a fragmented message.
    ///   - isCompressed: For the first frame of a data message whose payload is compressed (RFC 7692, section 6).
    ///   - mask: Clients must mask, with a fresh random number for each frame; servers must not (`nil`). Its bytes are used in
    ///     network order.
    public static func appendHeader(
        _ opcode: Opcode, length: Int, isFinal: Bool = true, isCompressed: Bool = false, mask: UInt32? = nil,
        to bytes: inout [UInt8]
    ) {
        bytes.append((isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue)
        let masked: UInt8 = mask == nil ? 0 : 0x80
        switch length {
        case ...125: bytes.append(masked | UInt8(truncatingIfNeeded: length))
        case ...0xFFFF:
            bytes.append(masked | 126)
            bytes.append(UInt8(truncatingIfNeeded: length >> 8))
            bytes.append(UInt8(truncatingIfNeeded: length))
        default:
            bytes.append(masked | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: length >> shift))
            }
        }
        if let mask { for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: mask >> UInt32(shift))) } }
    }

    /// A whole frame.
    public static func encode(
        _ opcode: Opcode, _ payload: [UInt8], isFinal: Bool = true, isCompressed: Bool = false, mask: UInt32? = nil
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(14 + payload.count)
        appendHeader(
            opcode, length: payload.count, isFinal: isFinal, isCompressed: isCompressed, mask: mask, to: &bytes)
        let start = bytes.count
        bytes.append(contentsOf: payload)
        if let mask {
            bytes.withUnsafeMutableBytes { applyMask(mask, to: UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
        }
        return bytes
    }

    /// A close frame. A reason too long for a control frame is cut at a character's boundary.
    public static func close(_ code: CloseCode, mask: UInt32? = nil) -> [UInt8] {
        var payload: [UInt8] = [UInt8(code.number >> 8), UInt8(code.number & 0xFF)]
        for scalar in code.reason.unicodeScalars {
            let text = UTF8.encode(scalar).map(Array.init) ?? []
            guard payload.count + text.count <= maximumControlPayload else { break }
            payload += text
        }
        return encode(.close, payload, mask: mask)
    }

    /// Masks or unmasks in place, eight bytes at a time (RFC 6455, section 5.3).
    static func applyMask(_ mask: UInt32, to bytes: UnsafeMutableRawBufferPointer) {
        let word = UInt64(mask.bigEndian)
        let wide = word | word << 32
        var index = 0
        while index + 8 <= bytes.count {
            let value = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            bytes.storeBytes(of: value ^ wide, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < bytes.count {
            bytes[index] ^= UInt8(truncatingIfNeeded: mask >> UInt32(24 - 8 * (index & 3)))
            index += 1
        }
    }
}
