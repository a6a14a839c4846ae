import DoorbellCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A file of keys: whether it has changed, and its bytes.
struct FileStamp: Hashable, Sendable {
    private let state: FileState

    /// `nil` when there is no such file, or it may not be seen.
    init?(of path: String) {
        guard let state = FileState(of: path) else { return nil }
        self.state = state
    }

    /// A whole file.
    ///
    /// Blocks for as long as the disk takes, so it is not called on an event loop.
    /// - Parameter limit: Bytes; a longer file is an error.
    static func read(_ path: String, limit: Int) throws(KeyError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw KeyError("'\(path)' cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = part.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw KeyError("'\(path)' cannot be read: \(String(cString: strerror(errno)))")
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: part[..<count])
            guard bytes.count <= limit else { throw KeyError("'\(path)' is longer than \(limit) bytes") }
        }
    }
}

/// `read(2)`, by a name that a method called `read` does not hide.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
