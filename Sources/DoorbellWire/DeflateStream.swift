import CZlib

/// A compressor whose memory is used again for each message. Not Sendable.
final class DeflateStream {
    /// Lives at one address: zlib keeps it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// - Parameter level: 1 (fast) to 9 (small).
    /// - Returns: `nil` when memory is out or an argument is out of its range.
    init?(windowBits: Int, level: Int) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // Memory level 5: as good as more for messages below 4 KiB, at 32 KiB together with the window.
        guard czlib_deflate_init(stream, Int32(clamping: level), -Int32(clamping: windowBits), 5) == Z_OK else {
            // Nothing was allocated, and to end it is harmless.
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// The payload of a compressed message (RFC 7692, section 7.2.1): without the four bytes that end every flush.
    ///
    /// - Returns: `nil` when it would not be shorter than `payload`.
    func deflate(_ payload: ArraySlice<UInt8>) -> [UInt8]? {
        guard payload.count > 4, payload.count <= Int(UInt32.max) / 2 else { return nil }
        defer { deflateReset(stream) }
        // As large as an output may be that is worth sending, and its tail.
        let capacity = payload.count + 4
        let bytes = payload.withUnsafeBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = uInt(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = uInt(capacity)
                let result = CZlib.deflate(stream, Z_SYNC_FLUSH)
                // A full output: perhaps more was to come.
                let isWhole = result == Z_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0
                count = isWhole ? capacity - Int(stream.pointee.avail_out) : 0
            }
        }
        guard bytes.count > 4, bytes.count - 4 < payload.count else { return nil }
        return Array(bytes.dropLast(4))
    }
}

@available(*, unavailable)
extension DeflateStream: Sendable {}
