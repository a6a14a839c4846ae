/// Finds lines of one log that are dated far ahead of those around them, by a clock that was wrong for a moment. Pure.
///
/// One such line would make all that follow it late, and hold up its log for others that are read with it. A leap that the next lines make, too,
/// is a time in which nothing was asked for.
struct StrayLines {
    /// Milliseconds. A day: logs are rotated daily, so what is further ahead is not caught up with before the log is over; and less may be a night, or
    /// the time of another zone.
    static let leap: Int64 = 86_400_000
    /// So many lines in a row are no mistake of one moment.
    static let fewest = 16

    /// Milliseconds since 1970; of lines that are not astray.
    private var newest: Int64?
    private var lines = 0

    /// - Parameter entries: The next ones of the log.
    /// - Returns: Those that are astray, in order.
    mutating func find(in entries: [LogEntry]) -> [Range<Int>] {
        guard var newest = newest ?? Self.earliest(of: entries[...]) else { return [] }
        var astray: [Range<Int>] = []
        var index = 0
        while index < entries.count {
            let time = entries[index].time
            if time - newest <= Self.leap {
                newest = max(newest, time)
                lines += 1
                index += 1
                continue
            }
            let limit = newest + Self.leap
            let end = entries[index...].firstIndex { $0.time <= limit } ?? entries.count
            let count = end - index
            // At the end of what is known the share decides: of a short log a few lines are much.
            if count >= Self.fewest || (end == entries.count && count * 100 >= lines) {
                newest = Self.earliest(of: entries[index..<end]) ?? newest
            } else {
                astray.append(index..<end)
                index = end
            }
        }
        self.newest = newest
        return astray
    }

    /// Of the first lines, because one of them may be astray itself.
    private static func earliest(of entries: ArraySlice<LogEntry>) -> Int64? {
        entries.prefix(fewest).map(\.time).min()
    }
}
