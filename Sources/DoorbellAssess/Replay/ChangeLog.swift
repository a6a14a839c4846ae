internal import DoorbellCore

/// When something changed, by what it changed: lines of a time and the path of a URL, `2026-05-28T20:26:40Z,/api/orders/42`.
///
/// Times are RFC 3339 or seconds or milliseconds since 1970; quotes around either are taken away; a first line that has no time is a head.
struct ChangeLog {
    /// Changes that are kept: 8 bytes each.
    static let limit = 4_000_000

    /// Milliseconds since 1970, ascending, by the hash of the path.
    private var times: [UInt64: [Int64]] = [:]
    private(set) var count = 0

    /// - Throws: ``DoorbellError`` with the number of the line that is none.
    init(_ text: [UInt8], name: String) throws(DoorbellError) {
        var number = 0
        for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let line = line.last == 0x0D ? line.dropLast() : line
            guard !line.isEmpty else { continue }
            guard let comma = line.firstIndex(of: 0x2C),
                let time = Self.unquoted(line[..<comma]).withUnsafeBytes({ LogTime.any($0) })
            else {
                if number == 1 { continue }
                throw DoorbellError(
                    .usage, "\(name):\(number) is no change",
                    hint: "write a time, a comma and a path: 2026-05-28T20:26:40Z,/api/orders/42")
            }
            let path = Self.unquoted(line[(comma + 1)...])
            guard path.first == 0x2F else {
                throw DoorbellError(
                    .usage, "\(name):\(number): what changed must be the path of a polled URL, with its '/'")
            }
            guard count < Self.limit else {
                throw DoorbellError(
                    .usage, "\(name) has more than \(Format.count(Self.limit)) changes",
                    hint: "cut it to the time of the log")
            }
            times[Self.hash(path), default: []].append(time)
            count += 1
        }
        guard count > 0 else { throw DoorbellError(.usage, "there is no change in \(name)") }
        for key in times.keys { times[key]?.sort() }
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

    private static func unquoted(_ text: ArraySlice<UInt8>) -> [UInt8] {
        func isOutside(_ byte: UInt8) -> Bool { byte == 0x22 || byte == 0x20 }
        var text = text.drop(while: isOutside)
        while let last = text.last, isOutside(last) { text.removeLast() }
        return Array(text)
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
