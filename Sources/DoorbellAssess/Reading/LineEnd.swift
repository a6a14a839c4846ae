#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

enum LineEnd {
    /// Where the line that begins at `start` ends: at its line feed, or at the end of the bytes.
    @inline(__always)
    static func next(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = bytes.baseAddress, let found = memchr(base + start, 0x0A, bytes.count - start) else {
            return bytes.count
        }
        return base.distance(to: UnsafeRawPointer(found))
    }

    /// Behind the last line feed; `nil` without one.
    static func last(in bytes: UnsafeRawBufferPointer) -> Int? {
        var index = bytes.count
        while index > 0 {
            if bytes[index - 1] == 0x0A { return index }
            index -= 1
        }
        return nil
    }
}
