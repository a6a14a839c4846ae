#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// `read(2)` and `write(2)`, made again when a signal interrupted them.
public enum SystemFile {
    /// - Returns: How many bytes were read; 0 at the end.
    public static func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) -> Result<Int, FileFailure> {
        repeated { systemRead(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// - Returns: How many bytes were written: one at least, where there is one, and perhaps not all.
    public static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Result<Int, FileFailure> {
        let written = repeated { systemWrite(descriptor, bytes.baseAddress, bytes.count) }
        return written == .success(0) && !bytes.isEmpty ? .failure(FileFailure(number: EIO)) : written
    }

    /// A file or what a pipe brings, to its end. Blocks for as long as that takes.
    ///
    /// - Parameter limit: Bytes. Of what is longer, one byte more is read.
    public static func bytes(of path: String, limit: Int) throws(FileFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(number: errno) }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = try part.withUnsafeMutableBytes {
                read(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: $0.prefix(limit + 1 - bytes.count)))
            }.get()
            if count == 0 { break }
            bytes += part[..<count]
        }
        return bytes
    }

    private static func repeated(_ call: () -> Int) -> Result<Int, FileFailure> {
        while true {
            let count = call()
            if count >= 0 { return .success(count) }
            if errno != EINTR { return .failure(FileFailure(number: errno)) }
        }
    }
}

/// Why a file could not be opened, read or written.
public struct FileFailure: Error, Hashable, CustomStringConvertible {
    /// Of `errno`.
    public let number: Int32

    public init(number: Int32) { self.number = number }

    /// Whether the reader of a pipe or socket has gone.
    public var isNobodyReading: Bool { number == EPIPE }
    public var description: String { String(cString: strerror(number)) }
}

// Under names that the methods above do not have.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
