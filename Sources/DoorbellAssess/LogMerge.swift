internal import DoorbellCore

/// Counts several logs in the order of their times: what several servers wrote side by side, and what was rotated.
///
/// A log is opened when its begin is reached, so rotated logs are read one after the other.
struct LogMerge: ~Copyable {
    private struct Head {
        let id: Int
        var block: LogBlock
        var index = 0

        var time: Int64 { block.entries[index].time }
    }

    private let reader: LogReader
    private let logs: [LogHead]
    private var next = 0
    private var heads: [Head] = []
    private(set) var sources: [Int: LogSource] = [:]
    private(set) var tally = LogTally()
    /// Lines of each log so far, for the numbers of bad ones.
    private var lines: [Int: Int] = [:]
    private var strays: [Int: StrayLines] = [:]

    init(_ logs: [LogHead], workers: Int) {
        self.logs = logs.sorted { ($0.begin, $0.path) < ($1.begin, $1.path) }
        reader = LogReader(workers: workers)
    }

    /// - Parameter progress: Called after each block.
    mutating func run(into counter: inout LogCounter, progress: (Int64) -> Void) throws(DoorbellError) {
        defer { reader.stop() }
        var finished: Int64 = 0
        while true {
            try openDue()
            guard let first = heads.indices.min(by: { heads[$0].time < heads[$1].time }) else { break }
            // As long as no other log comes first, entries are taken from this one.
            var limit = Int64.max
            for index in heads.indices where index != first { limit = min(limit, heads[index].time) }
            if next < logs.count, heads.count < LogReader.limit { limit = min(limit, logs[next].begin) }
            let block = heads[first].block
            let count = block.entries.count
            var index = heads[first].index
            repeat {
                let entry = block.entries[index]
                counter.add(entry) { block.target(of: entry) }
                index += 1
            } while index < count && block.entries[index].time <= limit
            heads[first].index = index
            if index == count {
                // Once it is handed back, the block is somebody else's.
                let consumed = block.consumed
                if !advance(first) {
                    finished += consumed
                    heads.remove(at: first)
                }
                progress(finished + heads.reduce(0) { $0 + $1.block.consumed })
            }
        }
    }

    func format(of id: Int) -> String { logs[id].format.description }

    /// Opens the logs whose time has come.
    private mutating func openDue() throws(DoorbellError) {
        while next < logs.count, heads.count < LogReader.limit {
            let now = heads.map(\.time).min()
            guard heads.isEmpty || logs[next].begin <= now ?? .max else { return }
            let log = logs[next]
            let id = next
            next += 1
            let source = try log.open()
            sources[id] = source
            reader.open(source, format: log.format, id: id)
            if let block = nextBlock(of: id) { heads.append(Head(id: id, block: block)) }
        }
    }

    /// The next block with entries; what lines without are is counted on the way.
    private mutating func nextBlock(of id: Int) -> LogBlock? {
        while let block = reader.next(of: id) {
            tally.add(block, of: sources[id]?.name ?? "", from: lines[id, default: 0])
            lines[id, default: 0] += block.lines
            let astray = strays[id, default: StrayLines()].find(in: block.entries)
            block.remove(astray)
            tally.astray += astray.reduce(0) { $0 + $1.count }
            if !block.entries.isEmpty { return block }
            reader.recycle(block)
        }
        return nil
    }

    /// - Returns: Whether the log goes on.
    private mutating func advance(_ head: Int) -> Bool {
        reader.recycle(heads[head].block)
        guard let block = nextBlock(of: heads[head].id) else { return false }
        heads[head].block = block
        heads[head].index = 0
        return true
    }
}

/// Lines, and those that were no requests.
struct LogTally {
    private(set) var lines = 0
    private(set) var badLines = 0
    private(set) var noRequests = 0
    /// Lines that were left out because they are dated far ahead of the others: ``StrayLines``.
    var astray = 0
    private(set) var samples: [Assessment.BadLine] = []

    mutating func add(_ block: LogBlock, of name: String, from line: Int) {
        lines += block.lines
        badLines += block.badLines
        noRequests += block.noRequests
        for sample in block.samples where samples.count < 5 {
            samples.append(
                Assessment.BadLine(
                    file: name, line: line + sample.line + 1, reason: sample.reason.rawValue, text: sample.text))
        }
    }
}
