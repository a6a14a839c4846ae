import CZlib
import DoorbellCore

/// Reads the payload of a compressed message (RFC 7692, section 7.2.2). Keeps nothing between messages.
///
/// Output is bounded while it is made: however small a bomb is, it costs no more than the limit.
enum MessageInflater {
    /// Blocks marked as the last of their stream that one message may have. Senders need one (section 7.2.3.4); each costs as
    /// much as a copy of the window.
    static let maximumFinalBlocks = 16

    /// - Parameters:
    ///   - message: The payloads of all its frames together.
    ///   - limit: Of the output, in bytes; more fails with 1009.
    ///   - windowBits: How far back the data may refer: 9 to 15.
    /// - Throws: 1007 when the data is corrupt, ends inside a block, or refers to a message before.
    static func inflate(
        _ message: consuming [UInt8], limit: Int, windowBits: Int = 15
    ) throws(WebSocketError) -> [UInt8] {
        var inflation = try Inflation(limit: limit, windowBits: windowBits)
        defer { inflation.end() }
        // What the sender took away (section 7.2.1).
        message.append(contentsOf: [0x00, 0x00, 0xFF, 0xFF])
        try inflation.run(message)
        return inflation.output
    }

    private static var corrupt: WebSocketError {
        WebSocketError(CloseCode(number: 1007, reason: "invalid compressed data"))
    }

    private struct Inflation {
        private static let chunk = 16_384
        private static let window = 32_768

        let limit: Int
        /// Lives at one address: zlib keeps it.
        let stream: UnsafeMutablePointer<z_stream>
        var output: [UInt8] = []

        init(limit: Int, windowBits: Int) throws(WebSocketError) {
            self.limit = min(max(0, limit), .max - 1)
            stream = .allocate(capacity: 1)
            stream.initialize(to: z_stream())
            guard czlib_inflate_init(stream, -Int32(clamping: windowBits)) == Z_OK else {
                stream.deallocate()
                throw WebSocketError(CloseCode(number: 1011, reason: "out of memory"))
            }
        }

        func end() {
            inflateEnd(stream)
            stream.deallocate()
        }

        mutating func run(_ input: [UInt8]) throws(WebSocketError) {
            guard input.count <= Int(UInt32.max) else { throw WebSocketError(.messageTooBig) }
            let fault = input.withUnsafeBufferPointer { input in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = uInt(input.count)
                return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.chunk) { pump(through: $0) }
            }
            if let fault { throw fault }
        }

        /// - Returns: What is wrong; `nil`: all input was read, and the message is whole.
        private mutating func pump(through chunk: UnsafeMutableBufferPointer<UInt8>) -> WebSocketError? {
            var finalBlocks = 0
            var isBetweenBlocks = false
            while true {
                // One byte more than the limit shows that there is more.
                let room = min(chunk.count, limit + 1 - output.count)
                stream.pointee.next_out = chunk.baseAddress
                stream.pointee.avail_out = uInt(room)
                let unread = stream.pointee.avail_in
                let result = CZlib.inflate(stream, Z_SYNC_FLUSH)
                let made = room - Int(stream.pointee.avail_out)
                output.append(contentsOf: chunk[..<made])
                guard output.count <= limit else { return WebSocketError(.messageTooBig) }
                // zlib's `data_type`: 128 after a whole block, and how many bits of the last byte are left. A call that does
                // nothing spoils it.
                if made > 0 || stream.pointee.avail_in < unread {
                    isBetweenBlocks = stream.pointee.data_type & (128 | 7) == 128
                }
                switch result {
                case Z_OK, Z_BUF_ERROR:
                    if stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0 { continue }
                    return isBetweenBlocks ? nil : corrupt
                case Z_STREAM_END:
                    finalBlocks += 1
                    guard finalBlocks <= maximumFinalBlocks, stream.pointee.avail_in > 0, restart() else {
                        return corrupt
                    }
                default: return corrupt
                }
            }
        }

        /// Goes on after a block that was marked as the last: what follows may refer to what came before all the same.
        private func restart() -> Bool {
            guard inflateReset(stream) == Z_OK else { return false }
            return output.suffix(Self.window).withUnsafeBufferPointer { window in
                guard let base = window.baseAddress, !window.isEmpty else { return true }
                return inflateSetDictionary(stream, base, uInt(window.count)) == Z_OK
            }
        }
    }
}
