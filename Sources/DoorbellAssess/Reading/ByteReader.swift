internal import DoorbellCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Where bytes come from, some at a time.
protocol ByteReader: AnyObject {
    /// - Returns: How many bytes were read; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(DoorbellError) -> Int
    /// Bytes of the file that were taken so far: compressed ones where it is compressed.
    var consumed: Int64 { get }
}

/// A file, or standard input.
final class FileReader: ByteReader {
    private let descriptor: Int32
    private let path: String
    /// What was read already to see what the file is.
    private var pending: [UInt8] = []
    private(set) var consumed: Int64 = 0

    /// - Throws: ``DoorbellError`` when there is no such file, or it is a directory, or may not be read.
    init(_ path: String) throws(DoorbellError) {
        self.path = path
        if path == "-" {
            descriptor = dup(0)
        } else {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
        }
        guard descriptor >= 0 else {
            throw DoorbellError(.usage, "\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    /// Bytes on the disk; `nil` for what is no file.
    var size: Int64? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(status.st_size)
    }

    /// The first bytes; they are read again later.
    func peek(_ count: Int) throws(DoorbellError) -> [UInt8] {
        while pending.count < count {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count - pending.count, alignment: 1)
            defer { buffer.deallocate() }
            let length = try readFile(into: buffer)
            if length == 0 { break }
            pending += buffer[..<length]
        }
        return pending
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(DoorbellError) -> Int {
        guard pending.isEmpty else {
            let count = min(pending.count, buffer.count)
            buffer.copyBytes(from: pending[..<count])
            pending.removeFirst(count)
            return count
        }
        return try readFile(into: buffer)
    }

    private func readFile(into buffer: UnsafeMutableRawBufferPointer) throws(DoorbellError) -> Int {
        switch SystemFile.read(descriptor, into: buffer) {
        case .success(let length):
            consumed += Int64(length)
            return length
        case .failure(let failure) where failure.number == EISDIR:
            throw DoorbellError(
                .usage, "\(path) is a directory", hint: "name the files in it: \(path)/access.log*")
        case .failure(let failure): throw DoorbellError(.usage, "\(path) cannot be read: \(failure)")
        }
    }
}
