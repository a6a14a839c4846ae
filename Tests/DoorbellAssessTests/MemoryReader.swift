import DoorbellCore

@testable import DoorbellAssess

/// Bytes that come some at a time.
final class MemoryReader: ByteReader {
    private var rest: ArraySlice<UInt8>
    private let chunk: Int
    private(set) var consumed: Int64 = 0

    init(_ bytes: [UInt8], chunk: Int) {
        rest = bytes[...]
        self.chunk = chunk
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(DoorbellError) -> Int {
        let count = min(chunk, buffer.count, rest.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        consumed += Int64(count)
        return count
    }
}

/// What was read of a log, independent of how its blocks were cut.
struct ReadLog: Equatable {
    var entries: [LogEntry] = []
    var targets: [[UInt8]] = []
    var lines = 0
    var badLines = 0
    var noRequests = 0
    var failure: String?

    init(_ reader: any ByteReader, format: LogFormat, block capacity: Int = 512 << 10) {
        let source = LogSource(name: "log", reader: reader)
        let block = LogBlock(capacity: capacity)
        var parser = LineParser(format)
        while source.fill(block) {
            block.parse(with: &parser)
            for var entry in block.entries {
                targets.append(block.target(of: entry))
                entry.targetOffset = 0
                entries.append(entry)
            }
            lines += block.lines
            badLines += block.badLines
            noRequests += block.noRequests
        }
        failure = source.failure?.message
    }

    init(_ text: String, format: LogFormat, chunk: Int = .max, block capacity: Int = 512 << 10) {
        self.init(MemoryReader(Array(text.utf8), chunk: chunk), format: format, block: capacity)
    }
}
