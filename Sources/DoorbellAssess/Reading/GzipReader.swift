internal import CZlib
internal import DoorbellCore

/// Gzip, of any number of members one after the other, as `gzip`, `pigz` and log rotation make it.
final class GzipReader: ByteReader {
    private let source: any ByteReader
    private let path: String
    private var stream = z_stream()
    private var isReady = false
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    /// Whether a member has begun that has not ended.
    private var isWithin = false

    var consumed: Int64 { source.consumed }

    init(_ source: any ByteReader, path: String) {
        self.source = source
        self.path = path
        // 16: gzip's header and trailer; 15: the largest window.
        isReady = czlib_inflate_init(&stream, 16 + 15) == Z_OK
    }

    deinit {
        if isReady { inflateEnd(&stream) }
        input.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(DoorbellError) -> Int {
        guard isReady else { throw DoorbellError(.system, "\(path): no memory to decompress with") }
        while true {
            if stream.avail_in == 0 {
                let length = try source.read(into: input)
                if length == 0 {
                    guard isWithin else { return 0 }
                    isWithin = false
                    throw DoorbellError(
                        .usage, "\(path) is not whole: it ends within its compressed data",
                        hint: "what comes before the end was read")
                }
                stream.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_in = UInt32(length)
            }
            isWithin = true
            stream.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(clamping: buffer.count)
            let result = inflate(&stream, Z_NO_FLUSH)
            let count = buffer.count - Int(stream.avail_out)
            switch result {
            case Z_STREAM_END:
                isWithin = false
                inflateReset(&stream)
            case Z_OK, Z_BUF_ERROR: break
            default:
                stream.avail_in = 0
                throw DoorbellError(
                    .usage, "\(path) is damaged: its compressed data cannot be read",
                    hint: "what comes before the damage was read")
            }
            if count > 0 { return count }
        }
    }
}
