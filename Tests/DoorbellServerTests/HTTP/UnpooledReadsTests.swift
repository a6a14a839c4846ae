import NIOCore
import Testing

@testable import DoorbellServer

@Suite("buffers that are not kept")
struct UnpooledReadsTests {
    /// Reads into what the pool gives, as a channel does.
    ///
    /// - Returns: How many bytes there was room for.
    private func read(_ pool: inout NIOPooledRecvBufferAllocator) -> Int {
        let (_, size) = pool.buffer(allocator: ByteBufferAllocator()) { buffer in
            let size = buffer.writableBytes
            buffer.writeRepeatingByte(1, count: size)
            return size
        }
        pool.record(actualReadBytes: size)
        return size
    }

    @Test("of all that a connection reads into, only the small first buffer stays with it")
    func firstStays() {
        var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: UnpooledReads(isFirst: true))
        #expect((0..<4).map { _ in read(&pool) } == [16, 1024, 1024, 1024])
        // The first one is what it is, so none of the others is it.
        #expect(pool.count == 1)
    }

    @Test("a connection that was read from before goes on with large buffers, and keeps what it has")
    func afterOthers() {
        var pool = NIOPooledRecvBufferAllocator(
            capacity: 1, recvAllocator: FixedSizeRecvByteBufferAllocator(capacity: 64))
        #expect((0..<2).map { _ in read(&pool) } == [64, 64])
        pool.recvAllocator = UnpooledReads(isFirst: false)
        #expect((0..<3).map { _ in read(&pool) } == [64, 1024, 1024])
        #expect(pool.count == 1)
    }
}
