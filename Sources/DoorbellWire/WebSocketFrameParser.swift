import DoorbellCore

/// Reads frames of RFC 6455: bytes in, whole messages and control frames out. Compressed messages (RFC 7692) only where that
/// was agreed on.
///
/// Everything that the RFC calls a failure is one here, as early as the bytes show it: reserved bits and opcodes, masking by
/// role, lengths that are not minimal, fragmented or long control frames, close codes that may not be sent, text that is not
/// UTF-8 (checked as it arrives, also within a frame; that of a compressed message at its end).
///
/// After each ``append(_:)-([UInt8])`` call ``next()`` until it returns `nil`. Then memory is bounded: at most
/// `maximumMessageSize` bytes of an unfinished message and 139 of an unfinished frame header or control frame; nothing is
/// reserved on the word of a header. A compressed message may have `maximumMessageSize` bytes both before and after.
public struct WebSocketFrameParser: Sendable {
    public enum Role: Sendable {
        /// Reads what clients send: every frame must be masked.
        case server
        /// Reads what a server sends: no frame may be masked.
        case client
    }

    public enum Event: Equatable, Sendable {
        /// A whole text message, valid UTF-8.
        case text([UInt8])
        /// A whole binary message.
        case binary([UInt8])
        /// To be answered with a pong of the same payload.
        case ping([UInt8])
        case pong([UInt8])
        /// The last event: what comes after it is ignored. `code` is `nil` when the frame carried none (1005 to programs).
        case close(code: UInt16?, reason: String)
    }

    private enum State: Equatable {
        case header
        /// Inside a frame of a data message.
        case data(remaining: Int, isFinal: Bool)
        case closed
        case failed(WebSocketError)
    }

    private let role: Role
    private let maximumMessageSize: Int
    private let allowsCompression: Bool
    private var state = State.header
    /// Bytes not looked at yet: `input[offset...]`.
    private var input: [UInt8] = []
    private var offset = 0
    /// The data message in progress, and what its first frame said it is.
    private var message: [UInt8] = []
    private var kind: WebSocketFrame.Opcode?
    private var isCompressed = false
    private var utf8 = UTF8Validator()
    /// Of the current frame, turned so that it fits the next payload byte; 0 for unmasked frames.
    private var mask: UInt32 = 0

    /// - Parameters:
    ///   - maximumMessageSize: Of a whole message over all its frames, in bytes; a longer one fails with 1009 when the header
    ///     says so, before its payload is read, or as soon as that much was uncompressed.
    ///   - allowsCompression: The handshake ended with a ``PerMessageDeflate``. When not, the bit that says so is a fault.
    public init(role: Role, maximumMessageSize: Int, allowsCompression: Bool = false) {
        self.role = role
        self.maximumMessageSize = max(0, maximumMessageSize)
        self.allowsCompression = allowsCompression
    }

    /// Whether a message or a frame has begun and not ended.
    public var isInsideMessage: Bool { kind != nil || state != .header || offset < input.count }

    public mutating func append(_ bytes: [UInt8]) {
        guard prepareToAppend() else { return }
        if input.isEmpty { input = bytes } else { input.append(contentsOf: bytes) }
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard prepareToAppend() else { return }
        input.append(contentsOf: bytes)
    }

    /// The next event; `nil`: more bytes are needed.
    ///
    /// - Throws: ``WebSocketError`` when the connection is to be failed; the same one again on every later call.
    public mutating func next() throws(WebSocketError) -> Event? {
        if case .failed(let error) = state { throw error }
        do throws(WebSocketError) {
            return try advance()
        } catch {
            state = .failed(error)
            (input, message, offset) = ([], [], 0)
            throw error
        }
    }

    private mutating func advance() throws(WebSocketError) -> Event? {
        while true {
            switch state {
            case .header:
                guard
                    let header = try Header(
                        input[offset...], role: role, isFragmented: kind != nil, allowsCompression: allowsCompression)
                else {
                    releaseConsumedInput()
                    return nil
                }
                guard header.opcode.isControl else {
                    try begin(header)
                    continue
                }
                let end = offset + header.size + Int(header.length)
                guard end <= input.count else { return nil }
                return try control(header, until: end)
            case .data(let remaining, let isFinal):
                if let event = try data(remaining, isFinal) { return event }
                if state != .header {
                    releaseConsumedInput()
                    return nil
                }
            case .closed, .failed: return nil
            }
        }
    }

    private mutating func prepareToAppend() -> Bool {
        switch state {
        case .closed, .failed: return false
        case .header, .data: break
        }
        releaseConsumedInput()
        if offset > 0 {
            input.removeSubrange(0..<offset)
            offset = 0
        }
        return true
    }

    /// Idle connections hold no buffer.
    private mutating func releaseConsumedInput() {
        if offset == input.count, !input.isEmpty { (input, offset) = ([], 0) }
    }

    private mutating func begin(_ header: Header) throws(WebSocketError) {
        guard header.length <= UInt64(maximumMessageSize - message.count) else {
            throw WebSocketError(.messageTooBig)
        }
        if header.opcode != .continuation {
            kind = header.opcode
            isCompressed = header.isCompressed
            utf8 = UTF8Validator()
        }
        mask = header.mask
        offset += header.size
        state = .data(remaining: Int(header.length), isFinal: header.isFinal)
    }

    private mutating func data(_ remaining: Int, _ isFinal: Bool) throws(WebSocketError) -> Event? {
        let count = min(remaining, input.count - offset)
        if count > 0 {
            let start = message.count
            message.append(contentsOf: input[offset..<(offset + count)])
            offset += count
            let (mask, isText) = (mask, kind == .text && !isCompressed)
            var utf8 = utf8
            let isValid = message.withUnsafeMutableBytes { bytes in
                let piece = UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
                if mask != 0 { WebSocketFrame.applyMask(mask, to: piece) }
                return !isText || utf8.consume(UnsafeRawBufferPointer(piece))
            }
            guard isValid else { throw WebSocketError(.invalidData) }
            self.utf8 = utf8
            let turn = UInt32(count & 3) * 8
            if turn > 0 { self.mask = mask << turn | mask >> (32 - turn) }
        }
        guard count == remaining else {
            state = .data(remaining: remaining - count, isFinal: isFinal)
            return nil
        }
        state = .header
        guard isFinal else { return nil }
        let isText = kind == .text
        var whole = message
        message = []
        kind = nil
        if isCompressed {
            whole = try MessageInflater.inflate(consume whole, limit: maximumMessageSize)
            if isText, !whole.withUnsafeBytes({ utf8.consume($0) }) { throw WebSocketError(.invalidData) }
        }
        guard !isText || utf8.isComplete else { throw WebSocketError(.invalidData) }
        return isText ? .text(whole) : .binary(whole)
    }

    private mutating func control(_ header: Header, until end: Int) throws(WebSocketError) -> Event {
        var payload = Array(input[(offset + header.size)..<end])
        offset = end
        if header.mask != 0 { payload.withUnsafeMutableBytes { WebSocketFrame.applyMask(header.mask, to: $0) } }
        switch header.opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        default:
            let event = try Self.close(payload)
            state = .closed
            (input, message, offset) = ([], [], 0)
            return event
        }
    }

    private static func close(_ payload: [UInt8]) throws(WebSocketError) -> Event {
        if payload.isEmpty { return .close(code: nil, reason: "") }
        guard payload.count >= 2 else { throw .protocolError("a close frame with half a code") }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        switch code {
        // RFC 6455, section 7.4, and what IANA registered since (1012 to 1014). 1004 to 1006 and 1015 may not be sent.
        case 1000...1003, 1007...1014, 3000...4999: break
        default: throw .protocolError("close code \(code) may not be sent")
        }
        guard let reason = String(validating: payload[2...], as: UTF8.self) else { throw WebSocketError(.invalidData) }
        return .close(code: code, reason: reason)
    }
}
