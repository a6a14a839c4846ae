/// A fast hash of short texts, by multiplying and folding (the idea of wyhash). The same in every run.
///
/// Not made against somebody who wants collisions: two texts that collide are counted as one, which spoils a figure and nothing else,
/// because every table here has a bound of its own.
enum FastHash {
    private static let first: UInt64 = 0xA076_1D64_78BD_642F
    private static let second: UInt64 = 0xE703_7ED1_A0B4_28DB

    @inline(__always)
    static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = (a ^ first).multipliedFullWidth(by: b ^ second)
        return product.high ^ product.low
    }

    @inline(__always)
    static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        var hash = mix(seed, UInt64(truncatingIfNeeded: bytes.count))
        var offset = 0
        while offset &+ 8 <= bytes.count {
            hash = mix(hash, bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset &+= 8
        }
        if offset < bytes.count { hash = mix(hash, tail(bytes, from: offset)) }
        return hash
    }

    static func of(_ text: StaticString) -> UInt64 {
        of(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    private static func tail(_ bytes: UnsafeRawBufferPointer, from offset: Int) -> UInt64 {
        var word: UInt64 = 0
        var index = bytes.count
        while index > offset {
            index &-= 1
            word = word << 8 | UInt64(bytes[index])
        }
        return word
    }
}
