extension WebSocketFrameParser {
    /// A frame header that passed every check that needs no payload.
    struct Header {
        let opcode: WebSocketFrame.Opcode
        let isFinal: Bool
        /// The first frame of a compressed message.
        let isCompressed: Bool
        /// Of the payload, in bytes; below 2^63.
        let length: UInt64
        /// 0 for unmasked frames (and for a mask of zeros, which changes nothing).
        let mask: UInt32
        /// Of the header itself, in bytes.
        let size: Int

        /// - Returns: `nil` while bytes are missing; a fault is thrown as soon as the bytes that are there show it.
        init?(_ bytes: ArraySlice<UInt8>, role: Role, isFragmented: Bool, allowsCompression: Bool)
            throws(WebSocketError)
        {
            var index = bytes.startIndex
            guard index < bytes.endIndex else { return nil }
            let first = bytes[index]
            let isCompressed = first & 0x40 != 0
            guard first & 0x30 == 0, !isCompressed || allowsCompression else {
                throw .protocolError("a reserved bit is set")
            }
            guard let opcode = WebSocketFrame.Opcode(rawValue: first & 0x0F) else {
                throw .protocolError("opcode \(first & 0x0F) is reserved")
            }
            let isFinal = first & 0x80 != 0
            switch opcode {
            case .continuation:
                guard isFragmented else { throw .protocolError("a continuation of nothing") }
            case .text, .binary:
                guard !isFragmented else { throw .protocolError("a new message inside a fragmented one") }
            case .close, .ping, .pong:
                guard isFinal else { throw .protocolError("a fragmented control frame") }
            }
            // RFC 7692, section 6.1.
            guard !isCompressed || opcode == .text || opcode == .binary else {
                throw .protocolError("only the first frame of a message says that it is compressed")
            }
            index += 1
            guard index < bytes.endIndex else { return nil }
            let isMasked = bytes[index] & 0x80 != 0
            guard isMasked == (role == .server) else {
                throw .protocolError(isMasked ? "a server may not mask" : "a client must mask")
            }
            let short = bytes[index] & 0x7F
            index += 1
            guard !opcode.isControl || short <= 125 else { throw .protocolError("a control frame above 125 bytes") }
            let width = short == 127 ? 8 : short == 126 ? 2 : 0
            // The top bit of a 64-bit length must be 0, and shows in its first byte.
            if width == 8, index < bytes.endIndex, bytes[index] & 0x80 != 0 {
                throw .protocolError("a length of 2^63 or more")
            }
            guard bytes.endIndex - index >= width else { return nil }
            var length = UInt64(short)
            if width > 0 {
                length = bytes[index..<(index + width)].reduce(0) { $0 << 8 | UInt64($1) }
                guard length > (width == 2 ? 125 : 0xFFFF) else { throw .protocolError("a length that is not minimal") }
                index += width
            }
            var mask: UInt32 = 0
            if isMasked {
                guard bytes.endIndex - index >= 4 else { return nil }
                mask = bytes[index..<(index + 4)].reduce(0) { $0 << 8 | UInt32($1) }
                index += 4
            }
            self.opcode = opcode
            self.isFinal = isFinal
            self.isCompressed = isCompressed
            self.length = length
            self.mask = mask
            self.size = index - bytes.startIndex
        }
    }
}
