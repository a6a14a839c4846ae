internal import DoorbellCore

/// A line of a file of changes: a time, a comma, and what changed.
///
/// Times are RFC 3339 or seconds or milliseconds since 1970; quotes around either are taken away; a first line that has no time is a head.
enum ChangeLine {
    /// Changes that are read of a file.
    static let limit = 4_000_000

    /// - Parameter body: Is given the number of the line, milliseconds since 1970, and what changed.
    /// - Throws: ``DoorbellError`` with the number of the line that is none, when there are too many, or none.
    static func read(
        _ text: [UInt8], name: String, example: String,
        _ body: (_ number: Int, _ time: Int64, _ subject: [UInt8]) throws(DoorbellError) -> Void
    ) throws(DoorbellError) {
        var number = 0
        var count = 0
        for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let line = line.last == 0x0D ? line.dropLast() : line
            guard !line.isEmpty else { continue }
            guard let comma = line.firstIndex(of: 0x2C),
                let time = unquoted(line[..<comma]).withUnsafeBytes({ LogTime.any($0) })
            else {
                if number == 1 { continue }
                throw DoorbellError(
                    .usage, "\(name):\(number) is no change",
                    hint: "write a time, a comma and what changed: 2026-05-28T20:26:40Z,\(example)")
            }
            guard count < limit else {
                throw DoorbellError(
                    .usage, "\(name) has more than \(Format.count(limit)) changes",
                    hint: "cut it to the time of the log")
            }
            try body(number, time, unquoted(line[(comma + 1)...]))
            count += 1
        }
        guard count > 0 else { throw DoorbellError(.usage, "there is no change in \(name)") }
    }

    /// The whole of a file.
    static func bytes(of path: String) throws(DoorbellError) -> [UInt8] {
        let file = try FileReader(path)
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
            // Lines are some 60 bytes.
            guard bytes.count <= limit * 100 else {
                throw DoorbellError(
                    .usage, "\(path) is too large for a log of changes", hint: "cut it to the time of the log")
            }
        }
    }

    private static func unquoted(_ text: ArraySlice<UInt8>) -> [UInt8] {
        func isOutside(_ byte: UInt8) -> Bool { byte == 0x22 || byte == 0x20 }
        var text = text.drop(while: isOutside)
        while let last = text.last, isOutside(last) { text.removeLast() }
        return Array(text)
    }
}
