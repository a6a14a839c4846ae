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

    /// Why nothing more was written.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// Of `errno`.
        public let number: Int32

        public init(number: Int32) { self.number = number }

        /// Whether the reader of a pipe or socket has gone.
        public var isNobodyReading: Bool { number == EPIPE }
        public var description: String { String(cString: strerror(number)) }
    }

    /// Writes all of it, waiting where the reader is slow. The process must ignore SIGPIPE, or ends by it.
    public func write(_ text: String) throws(Failure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { writeFile(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Somebody else made the terminal or the pipe non-blocking.
                var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&watched, 1, -1)
            } else if count == 0 || errno != EINTR {
                throw Failure(number: count == 0 ? EIO : errno)
            }
        }
    }
}

// Under a name that the method above does not have.
private func writeFile(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
