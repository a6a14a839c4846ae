/// An HTTP answer as its bytes say it.
package struct HTTPAnswer {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package var text: String { String(decoding: body, as: UTF8.self) }

    package subscript(name: String) -> String? { headers.first { $0.name == name }?.value }
    package func all(_ name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }

    /// The first answer in `bytes` and its length; `nil`: it is not complete.
    package static func parse(_ bytes: [UInt8], isHead: Bool, isClosed: Bool) -> (HTTPAnswer, Int)? {
        guard let end = range(of: [13, 10, 13, 10], in: bytes, from: 0) else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        guard let start = lines.first?.split(separator: " "), start.count > 1, let status = Int(start[1]) else {
            return nil
        }
        let headers = lines.dropFirst().map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = line[colon...].dropFirst()
            return (line[..<colon].lowercased(), String(value.drop { $0 == " " }))
        }
        var answer = HTTPAnswer(status: status, headers: headers, body: [])
        let body = end + 4
        if isHead || status < 200 || status == 204 || status == 304 { return (answer, body) }
        if let length = answer["content-length"].flatMap({ Int($0) }) {
            guard bytes.count >= body + length else { return nil }
            answer.body = Array(bytes[body..<(body + length)])
            return (answer, body + length)
        }
        guard answer["transfer-encoding"] == "chunked" else {
            guard isClosed else { return nil }
            answer.body = Array(bytes[body...])
            return (answer, bytes.count)
        }
        var offset = body
        while let line = range(of: [13, 10], in: bytes, from: offset) {
            guard let size = Int(String(decoding: bytes[offset..<line], as: UTF8.self), radix: 16) else { return nil }
            guard bytes.count >= line + 2 + size + 2 else { return nil }
            answer.body += bytes[(line + 2)..<(line + 2 + size)]
            offset = line + 2 + size + 2
            if size == 0 { return (answer, offset) }
        }
        return nil
    }

    private static func range(of pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= pattern.count, start <= bytes.count - pattern.count else { return nil }
        return (start...(bytes.count - pattern.count)).first { index in
            bytes[index] == pattern[0] && bytes[index..<(index + pattern.count)].elementsEqual(pattern)
        }
    }
}
