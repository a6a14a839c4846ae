import CZlib

/// Reads bodies that were compressed for the client.
enum EncodedBody {
    /// Bytes that a body may have when it is read. Default 1 MiB.
    static let limit = 1 << 20

    /// - Parameter encoding: The `content-encoding`, in lower case.
    /// - Returns: `nil` when it is not one of `gzip` and `deflate`, is corrupt, or is longer than ``limit``.
    static func plain(_ body: [UInt8], encoding: String?) -> [UInt8]? {
        switch encoding {
        case nil, "identity": body
        case "gzip", "x-gzip", "deflate": inflated(body)
        default: nil
        }
    }

    private static func inflated(_ body: [UInt8]) -> [UInt8]? {
        // Lives at one address: zlib keeps it.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        // 32 more than the window: a header of gzip or zlib is found by itself.
        guard czlib_inflate_init(stream, 15 + 32) == Z_OK else { return nil }
        defer { inflateEnd(stream) }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        return body.withUnsafeBufferPointer { input -> [UInt8]? in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = uInt(input.count)
            while true {
                let (result, made) = chunk.withUnsafeMutableBufferPointer { chunk in
                    stream.pointee.next_out = chunk.baseAddress
                    stream.pointee.avail_out = uInt(chunk.count)
                    let result = inflate(stream, Z_NO_FLUSH)
                    return (result, chunk.count - Int(stream.pointee.avail_out))
                }
                output += chunk[..<made]
                if output.count > limit { return nil }
                if result == Z_STREAM_END { return output }
                guard result == Z_OK, made > 0 || stream.pointee.avail_in > 0 else { return nil }
            }
        }
    }
}
