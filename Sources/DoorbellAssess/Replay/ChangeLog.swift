internal import DoorbellCore

/// When something changed, by what it changed: lines of a time and the path of a URL, `2026-05-28T20:26:40Z,/api/orders/42`.
struct ChangeLog {
    /// Milliseconds since 1970, ascending, by the hash of the path: 8 bytes each.
    private var times: [UInt64: [Int64]] = [:]
    private(set) var count = 0

    /// - Throws: ``DoorbellError`` with the number of the line that is none.
    init(_ text: [UInt8], name: String) throws(DoorbellError) {
        var times: [UInt64: [Int64]] = [:]
        var count = 0
        try ChangeLine.read(text, name: name, example: "/api/orders/42") { number, time, path throws(DoorbellError) in
            guard path.first == 0x2F else {
                throw DoorbellError(
                    .usage, "\(name):\(number): what changed must be the path of a polled URL, with its '/'")
            }
            times[Self.hash(path), default: []].append(time)
            count += 1
        }
        for key in times.keys { times[key]?.sort() }
        self.times = times
        self.count = count
    }

    /// Changes after one moment and up to another, of what a request target asks for.
    func changes(of target: [UInt8], after begin: Int64, through end: Int64) -> ArraySlice<Int64> {
        guard let all = times[Self.hash(target.prefix { $0 != 0x3F })] else { return [] }
        return all[
            Self.first(in: all, after: begin)..<max(Self.first(in: all, after: begin), Self.first(in: all, after: end))]
    }

    func has(_ target: [UInt8]) -> Bool { times[Self.hash(target.prefix { $0 != 0x3F })] != nil }

    private static func hash(_ path: some Collection<UInt8>) -> UInt64 {
        Array(path).withUnsafeBytes { FastHash.of($0) }
    }

    /// The first index whose time is after a moment.
    private static func first(in times: [Int64], after moment: Int64) -> Int {
        var low = 0
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if times[middle] > moment { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
