#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

enum DirectSocket {
    /// As many bytes as the socket takes without waiting. Errors are 0: the ordinary way meets them again, and knows what to do.
    static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
        #if os(Linux)
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        #else
        let flags = MSG_DONTWAIT
        #endif
        #if canImport(Glibc)
        return max(0, Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags))
        #elseif canImport(Musl)
        return max(0, Musl.send(descriptor, bytes.baseAddress, bytes.count, flags))
        #else
        return max(0, Darwin.send(descriptor, bytes.baseAddress, bytes.count, flags))
        #endif
    }
}
