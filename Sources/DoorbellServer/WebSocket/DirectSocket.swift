import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The way past the pipeline to a connection's socket: a write through the pipeline takes as much processor time again as the kernel's part of
/// it. Only for a channel without TLS, while nothing that was written before waits in it. Lives on the channel's event loop.
///
/// The descriptor is asked for once, because asking takes as long as sending. It is this connection's as long as the channel is active:
/// closing and this happen on one event loop.
struct DirectSocket {
    private let descriptor: NIOBSDSocket.Handle

    /// `nil`: the channel has no socket of its own.
    init?(of context: ChannelHandlerContext) {
        let found = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        guard let found, found >= 0 else { return nil }
        descriptor = found
    }

    /// As many bytes as the socket takes without waiting. Errors are 0: the ordinary way meets them again, and knows what to do.
    ///
    /// - Parameter channel: The socket's.
    func send(_ bytes: [UInt8], of channel: any Channel) -> Int {
        guard channel.isActive else { return 0 }
        return bytes.withUnsafeBytes { Self.send($0, to: descriptor) }
    }

    private static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
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
