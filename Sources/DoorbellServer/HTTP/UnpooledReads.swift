import NIOCore

/// Buffers that a connection reads into and gives back at once, so that an idle one holds none.
///
/// NIO keeps a connection's first buffer for as long as the connection lives, and of the later ones as many as may be read in one turn. So the
/// first is as small as the shortest request line, and one is read in a turn.
struct UnpooledReads: RecvByteBufferAllocator {
    /// Bytes: `GET / HTTP/1.1` and the end of the line.
    private static let first = 16
    /// Bytes. glibc has pieces of this size, and of none that is larger, at hand for each thread.
    private static let size = 1024

    private var isFirst: Bool

    /// - Parameter isFirst: Nothing was read from the connection yet.
    init(isFirst: Bool) { self.isFirst = isFirst }

    func apply(to channel: any Channel) {
        guard let options = channel.syncOptions else { return }
        try? options.setOption(.recvAllocator, value: self)
        try? options.setOption(.maxMessagesPerRead, value: 1)
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        allocator.buffer(capacity: isFirst ? Self.first : Self.size)
    }

    /// - Returns: `true`, by which NIO takes a new buffer for the next read.
    mutating func record(actualReadBytes: Int) -> Bool {
        isFirst = false
        return true
    }
}
