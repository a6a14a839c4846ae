internal import DoorbellCore

/// The begin of a log: enough to see what it is and when it begins.
struct LogHead {
    private static let size = 64 << 10

    let path: String
    let format: LogFormat
    /// The earliest of the first lines that can be read, in milliseconds since 1970: one of them may be astray.
    let begin: Int64
    /// Bytes of the file as it lies on the disk; `nil` for what is no file.
    let size: Int64?
    /// Standard input, which cannot be opened twice.
    private let opened: LogSource?

    /// - Returns: `nil` when the log is empty.
    /// - Throws: ``DoorbellError`` when it cannot be read, or is no log.
    init?(path: String, format: LogFormat?, client: String?) throws(DoorbellError) {
        let name = path == "-" ? "standard input" : path
        let file = try FileReader(path)
        let magic = try file.peek(2)
        let reader: any ByteReader = magic == [0x1F, 0x8B] ? GzipReader(file, path: name) : file
        let bytes = try Self.begin(of: reader)
        guard !bytes.isEmpty else { return nil }
        let head = Self.wholeLines(bytes)
        let found: LogFormat
        if let format {
            found = format
        } else {
            found = try Self.guess(name, head, client: client)
        }
        guard let begin = Self.firstTime(head, found) else {
            throw Self.unknown(name, head, format: found)
        }
        self.path = path
        self.format = found
        self.begin = begin
        size = file.size
        opened = path == "-" ? LogSource(name: name, reader: ReplayReader(bytes, then: reader)) : nil
    }

    private static func guess(_ name: String, _ head: [UInt8], client: String?) throws(DoorbellError) -> LogFormat {
        guard !head.contains(0), let guess = head.withUnsafeBytes({ LogFormat.guess($0, client: client) }) else {
            throw unknown(name, head)
        }
        guard guess.isSure else {
            throw DoorbellError(
                .usage,
                "\(name) is in more than one format, or in one that is not known: \(guess.lines) of the first \(guess.all) lines are "
                    + "\(guess.format)",
                hint: "give --format \(guess.format) to read those, or --format with the format string of the others")
        }
        // JSON was tried with it. A field that the format does not have is a mistake.
        guard let client, guess.format.description != "json" else { return guess.format }
        return try LogFormat(guess.format.description, client: client)
    }

    /// The log from its begin.
    func open() throws(DoorbellError) -> LogSource {
        if let opened { return opened }
        return try LogSource(path: path)
    }

    private static func begin(of reader: any ByteReader) throws(DoorbellError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        var length = 0
        while length < size {
            let count: Int
            do {
                count = try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[length...]))
            } catch {
                // Half a compressed file: what there is may do, and the reading later says so.
                if length > 0 { break }
                throw error
            }
            if count == 0 { break }
            length += count
        }
        return Array(buffer[..<length])
    }

    private static func wholeLines(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= size, let end = bytes.withUnsafeBytes({ LineEnd.last(in: $0) }) else { return bytes }
        return Array(bytes[..<end])
    }

    private static func firstTime(_ bytes: [UInt8], _ format: LogFormat) -> Int64? {
        bytes.withUnsafeBytes { bytes in
            var parser = LineParser(format)
            var decoded: [UInt8] = []
            var start = 0
            var times: [Int64] = []
            while start < bytes.count, times.count < StrayLines.fewest {
                let end = LineEnd.next(in: bytes, from: start)
                let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                decoded.removeAll(keepingCapacity: true)
                if case .success(.entry(let entry)) = parser.parse(line, at: 0, decoded: &decoded) {
                    times.append(entry.time)
                }
                start = end + 1
            }
            return times.min()
        }
    }

    private static func unknown(_ name: String, _ head: [UInt8], format: LogFormat? = nil) -> DoorbellError {
        let line = head.prefix { $0 != 0x0A }.prefix(160)
        if head.contains(0) {
            return DoorbellError(.usage, "\(name) is not an access log: it has bytes that are no text")
        }
        let text = Assessment.printable(String(decoding: line, as: UTF8.self))
        guard let format else {
            return DoorbellError(
                .usage, "\(name) is in no format that is known: its first line is '\(text)'",
                hint: "give --format: \(LogFormat.names.joined(separator: ", ")), or the format string from the "
                    + "configuration of nginx (log_format) or Apache (LogFormat)")
        }
        return DoorbellError(
            .usage, "\(name) is not in the format '\(format)': its first line is '\(text)'",
            hint: "leave --format away to let it be found out")
    }
}

/// Bytes that were read already, and then the rest.
final class ReplayReader: ByteReader {
    private var bytes: [UInt8]
    private var offset = 0
    private let rest: any ByteReader

    var consumed: Int64 { rest.consumed }

    init(_ bytes: [UInt8], then rest: any ByteReader) {
        self.bytes = bytes
        self.rest = rest
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(DoorbellError) -> Int {
        guard offset < bytes.count else { return try rest.read(into: buffer) }
        let count = min(bytes.count - offset, buffer.count)
        buffer.copyBytes(from: bytes[offset..<(offset + count)])
        offset += count
        return count
    }
}
