internal import DoorbellCore

/// A log as blocks of whole lines. Confined to one thread at a time: see ``LogReader``.
final class LogSource {
    /// Bytes; a longer line is counted as bad and dropped.
    static let longestLine = 64 << 10

    let name: String
    private let reader: any ByteReader
    /// The begin of a line whose end was not read yet. Never longer than a block.
    private var carried: [UInt8] = []
    private var isAtEnd = false
    /// Within a line that is too long.
    private var isSkipping = false
    /// What stopped the reading before the end; what came before it counts.
    private(set) var failure: DoorbellError?

    init(name: String, reader: any ByteReader) {
        self.name = name
        self.reader = reader
    }

    /// Opens a file, or standard input for `-`; compressed by gzip or not.
    convenience init(path: String) throws(DoorbellError) {
        let file = try FileReader(path)
        let magic = try file.peek(2)
        let name = path == "-" ? "standard input" : path
        self.init(name: name, reader: magic == [0x1F, 0x8B] ? GzipReader(file, path: name) : file)
    }

    /// Fills a block with whole lines.
    ///
    /// - Returns: Whether there are any; `false` at the end.
    func fill(_ block: LogBlock) -> Bool {
        defer { block.consumed = reader.consumed }
        block.clear()
        while true {
            var length = min(carried.count, block.bytes.count)
            block.bytes.copyBytes(from: carried[..<length])
            carried.removeAll(keepingCapacity: true)
            while length < block.bytes.count, !isAtEnd {
                let count = read(into: UnsafeMutableRawBufferPointer(rebasing: block.bytes[length...]))
                if count == 0 { isAtEnd = true }
                length += count
            }
            var start = 0
            if isSkipping {
                let all = UnsafeRawBufferPointer(rebasing: block.bytes[..<length])
                start = min(LineEnd.next(in: all, from: 0) + 1, length)
                let ended = start > 0 && block.bytes[start - 1] == 0x0A
                if ended || isAtEnd { isSkipping = false }
                if !ended { start = length }
            }
            if start > 0 {
                // Move what follows a dropped line to the front.
                let rest = length - start
                if rest > 0, let base = block.bytes.baseAddress {
                    base.copyMemory(from: base + start, byteCount: rest)
                }
                length = rest
            }
            let all = UnsafeRawBufferPointer(rebasing: block.bytes[..<length])
            if isAtEnd, !(isSkipping) {
                block.count = length
                return length > 0 || block.dropped > 0
            }
            if let end = LineEnd.last(in: all) {
                carried.append(contentsOf: all[end...])
                block.count = end
                return true
            }
            if length == block.bytes.count || length > Self.longestLine {
                block.drop(all)
                isSkipping = true
            } else {
                carried.append(contentsOf: all)
            }
            if isAtEnd { return block.dropped > 0 }
        }
    }

    /// A failure ends the log where it happens.
    private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        do {
            return try reader.read(into: buffer)
        } catch {
            failure = error
            return 0
        }
    }
}
