import NIOCore

/// The body of an answer, whole. Short ones, which come in one part, are not copied.
struct AnswerBody {
    /// Longer than any answer of the simulated API; more is not kept.
    private static let limit = 1 << 20
    private var buffer = ByteBuffer()

    mutating func append(_ part: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = part
        } else if buffer.readableBytes + part.readableBytes <= Self.limit {
            buffer.writeImmutableBuffer(part)
        }
    }

    /// The newest change that it shows. Empties it.
    mutating func takeRevision() -> Int? {
        defer { buffer = ByteBuffer() }
        return buffer.withUnsafeReadableBytes { Revision.newest(in: $0) }
    }
}
