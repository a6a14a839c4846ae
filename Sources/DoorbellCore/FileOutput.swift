#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An open file that is written to without a trap: a full disk and a reader that has gone are ordinary.
public struct FileOutput: Sendable {
    public static let standardOutput = FileOutput(descriptor: 1)
    public static let standardError = FileOutput(descriptor: 2)

    public let descriptor: Int32

    public init(descriptor: Int32) { self.descriptor = descriptor }

    /// Writes all of it, waiting where the reader is slow. The process must ignore SIGPIPE, or ends by it.
    public func write(_ text: String) throws(FileFailure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            switch rest.withUnsafeBytes({ SystemFile.write(descriptor, $0) }) {
            case .success(let count): rest = rest.dropFirst(count)
            case .failure(let failure) where failure.number == EAGAIN:
                // Somebody else made the terminal or the pipe non-blocking.
                var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&watched, 1, -1)
            case .failure(let failure): throw failure
            }
        }
    }
}
