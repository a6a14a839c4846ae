/// Whole lines of a log and what they say.
///
/// Used by one thread at a time: filled by a reader, parsed by the same one, looked at by the one that counts.
final class LogBlock: @unchecked Sendable {
    /// A line that was not counted, for people to see.
    struct Sample: Sendable {
        /// Of the block's, from 0.
        let line: Int
        let reason: BadLine
        let text: String
    }

    let bytes: UnsafeMutableRawBufferPointer
    /// Bytes that are lines.
    var count = 0
    private(set) var entries: [LogEntry] = []
    /// Request targets that had to be unescaped.
    private(set) var decoded: [UInt8] = []
    private(set) var lines = 0
    private(set) var badLines = 0
    private(set) var noRequests = 0
    private(set) var samples: [Sample] = []
    /// Bytes of the file that were taken when this block was filled.
    var consumed: Int64 = 0
    /// Lines that were dropped for their length while the block was filled, all before those that it has.
    private(set) var dropped = 0
    /// How the first of them begin.
    private var droppedBegins: [String] = []

    init(capacity: Int) {
        bytes = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { bytes.deallocate() }

    /// The request target of an entry: path and query.
    func target(of entry: LogEntry) -> [UInt8] {
        let range = Int(entry.targetOffset)..<(Int(entry.targetOffset) + Int(entry.targetLength))
        if entry.isDecoded { return range.upperBound <= decoded.count ? Array(decoded[range]) : [] }
        return range.upperBound <= count ? Array(bytes[range]) : []
    }

    /// Before it is filled anew.
    func clear() {
        count = 0
        dropped = 0
        droppedBegins.removeAll()
    }

    func drop(_ line: UnsafeRawBufferPointer) {
        dropped += 1
        if droppedBegins.count < 3 { droppedBegins.append(Self.begin(of: line)) }
    }

    private static func begin(of line: UnsafeRawBufferPointer) -> String {
        String(decoding: line.prefix(200), as: UTF8.self)
    }

    /// Makes entries of all lines.
    func parse(with parser: inout LineParser) {
        entries.removeAll(keepingCapacity: true)
        decoded.removeAll(keepingCapacity: true)
        samples = droppedBegins.enumerated().map { Sample(line: $0, reason: .tooLong, text: $1) }
        lines = dropped
        badLines = dropped
        noRequests = 0
        let all = UnsafeRawBufferPointer(rebasing: bytes[..<count])
        var start = 0
        while start < count {
            let end = LineEnd.next(in: all, from: start)
            let line = UnsafeRawBufferPointer(rebasing: all[start..<end])
            if !line.isEmpty {
                parse(line, at: start, with: &parser)
                lines += 1
            }
            start = end + 1
        }
    }

    /// Leaves out entries.
    ///
    /// - Parameter ranges: In order.
    func remove(_ ranges: [Range<Int>]) { for range in ranges.reversed() { entries.removeSubrange(range) } }

    @inline(__always)
    private func parse(_ line: UnsafeRawBufferPointer, at start: Int, with parser: inout LineParser) {
        guard line.count <= LogSource.longestLine else { return reject(line, .tooLong) }
        switch parser.parse(line, at: start, decoded: &decoded) {
        case .success(.entry(let entry)): entries.append(entry)
        case .success(.noRequest): noRequests += 1
        case .failure(let reason): reject(line, reason)
        }
    }

    private func reject(_ line: UnsafeRawBufferPointer, _ reason: BadLine) {
        badLines += 1
        guard samples.count < 3 else { return }
        samples.append(Sample(line: lines, reason: reason, text: Self.begin(of: line)))
    }
}
