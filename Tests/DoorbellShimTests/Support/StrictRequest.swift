/// A request as the strictest reading of RFC 9112 has it, from the bytes that a legacy API gets. Pure.
struct StrictRequest {
    /// `GET /path HTTP/1.1`
    var line: String
    var headers: [(name: String, value: String)]
    var body: String

    struct Fault: Error, CustomStringConvertible { let description: String }

    subscript(name: String) -> [String] { headers.filter { $0.name.lowercased() == name }.map(\.value) }

    /// Takes the first request away from `bytes`; `nil`: it is not whole yet.
    static func take(from bytes: inout [UInt8]) throws(Fault) -> StrictRequest? {
        guard let end = find("\r\n\r\n", in: bytes[...]) else { return nil }
        let lines = try lines(bytes[..<(end + 2)])
        guard let line = lines.first, isRequestLine(line) else { throw Fault(description: "no request line: \(lines)") }
        var request = StrictRequest(line: line, headers: [], body: "")
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                throw Fault(description: "no header: \(line)")
            }
            let name = String(line[..<colon])
            guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw Fault(description: "no name: \(name)") }
            request.headers.append(
                (name, line[line.index(after: colon)...].trimmed(while: { $0 == " " || $0 == "\t" })))
        }
        guard request["host"].count == 1 else { throw Fault(description: "hosts: \(request["host"])") }
        let (lengths, codings) = (request["content-length"], request["transfer-encoding"])
        var rest = bytes[(end + 4)...]
        switch (lengths.count, codings.count) {
        case (0, 0): break
        case (1, 0):
            guard let length = Int(lengths[0]), lengths[0].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
                throw Fault(description: "length: \(lengths)")
            }
            guard rest.count >= length else { return nil }
            request.body = String(decoding: rest.prefix(length), as: UTF8.self)
            rest = rest.dropFirst(length)
        case (0, 1):
            guard codings == ["chunked"] else { throw Fault(description: "coding: \(codings)") }
            guard let body = try chunks(&rest) else { return nil }
            request.body = body
        default: throw Fault(description: "two framings: \(lengths) \(codings)")
        }
        bytes = Array(rest)
        return request
    }

    /// `nil`: not whole yet. Neither extensions nor trailers are let through.
    private static func chunks(_ rest: inout ArraySlice<UInt8>) throws(Fault) -> String? {
        var body: [UInt8] = []
        while true {
            guard let end = find("\r\n", in: rest) else { return nil }
            let text = String(decoding: rest[..<end], as: UTF8.self)
            guard let size = Int(text, radix: 16), text.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }) else {
                throw Fault(description: "chunk size: \(text)")
            }
            rest = rest[(end + 2)...]
            guard rest.count >= size + 2 else { return nil }
            body += rest.prefix(size)
            rest = rest.dropFirst(size)
            guard rest.starts(with: "\r\n".utf8) else { throw Fault(description: "no end of a chunk of \(size)") }
            rest = rest.dropFirst(2)
            if size == 0 { return String(decoding: body, as: UTF8.self) }
        }
    }

    private static func lines(_ head: ArraySlice<UInt8>) throws(Fault) -> [String] {
        var lines: [String] = []
        var rest = head
        while let end = find("\r\n", in: rest) {
            let line = rest[..<end]
            guard !line.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }), line.first != 0x20,
                line.first != 0x09
            else { throw Fault(description: "line: \(String(decoding: line, as: UTF8.self))") }
            lines.append(String(decoding: line, as: UTF8.self))
            rest = rest[(end + 2)...]
        }
        return lines
    }

    private static func isRequestLine(_ line: String) -> Bool {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        return parts.count == 3 && !parts[0].isEmpty && parts[1].hasPrefix("/") && parts[2] == "HTTP/1.1"
    }

    private static func find(_ pattern: String, in bytes: ArraySlice<UInt8>) -> Int? {
        let pattern = Array(pattern.utf8)
        guard bytes.count >= pattern.count else { return nil }
        return (bytes.startIndex...(bytes.endIndex - pattern.count)).first { bytes[$0...].starts(with: pattern) }
    }
}

extension StringProtocol {
    fileprivate func trimmed(while isSpace: (Character) -> Bool) -> String {
        String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
