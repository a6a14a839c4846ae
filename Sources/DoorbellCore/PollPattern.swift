/// A polled endpoint of the legacy API: `GET /api/users/{user_id}/notifications?unread={unread}`.
///
/// Matching is strict on purpose, because what matches decides which channel a caller is let into: the same number of path
/// segments, each literal byte for byte after percent-decoding, no empty or dot segments in a hole, and no query parameter
/// of the pattern given twice (two readers of such a URL could disagree about its meaning). Other query parameters may be
/// present in any number.
public struct PollPattern: Hashable, Sendable {
    /// The text as written.
    public let source: String
    let path: [Part]
    let query: [(key: String, part: Part)]

    enum Part: Hashable, Sendable {
        case literal(String)
        case name(String)
    }

    public static func == (a: PollPattern, b: PollPattern) -> Bool { a.source == b.source }
    public func hash(into hasher: inout Hasher) { hasher.combine(source) }

    /// The names in the holes, path first.
    public var names: [String] {
        (path + query.map(\.part)).compactMap { if case .name(let name) = $0 { name } else { nil } }
    }

    public struct SyntaxError: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// - Throws: ``SyntaxError``, with a sentence that says what is wrong with the text.
    public init(_ source: String) throws(SyntaxError) {
        self.source = source
        let words = source.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0] == "GET" else {
            throw SyntaxError(description: "write a poll as 'GET /path/{name}', not '\(source)'")
        }
        let target = words[1]
        guard target.hasPrefix("/") else {
            throw SyntaxError(description: "the path in '\(source)' must begin with '/'")
        }
        guard target.split(whereSeparator: { "/?".contains($0) }).first != "_doorbell" else {
            throw SyntaxError(description: "'\(target)' is Doorbell's own, and no URL of the legacy API")
        }
        guard !target.contains("#") else { throw SyntaxError(description: "a poll has no fragment: '\(source)'") }
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var path: [Part] = []
        for segment in halves[0].dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            path.append(try Self.part(segment, in: source))
        }
        self.path = path
        var query: [(String, Part)] = []
        if halves.count == 2 {
            for pair in halves[1].split(separator: "&") {
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard sides.count == 2, !sides[0].isEmpty, !query.contains(where: { $0.0 == sides[0] }) else {
                    throw SyntaxError(
                        description: "'\(pair)' in '\(source)' is not 'key={name}', or stands there twice")
                }
                query.append((String(sides[0]), try Self.part(sides[1], in: source)))
            }
        }
        self.query = query
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw SyntaxError(description: "'{\(name)}' stands twice in '\(source)'")
        }
    }

    private static func part(_ text: Substring, in source: String) throws(SyntaxError) -> Part {
        if text.hasPrefix("{"), text.hasSuffix("}") {
            let name = text.dropFirst().dropLast()
            guard !name.isEmpty, !name.contains(where: { "{}".contains($0) }) else {
                throw SyntaxError(description: "'\(text)' is not a name in '\(source)'")
            }
            return .name(String(name))
        }
        guard !text.contains(where: { "{}".contains($0) }) else {
            throw SyntaxError(description: "'\(text)' in '\(source)': a name fills a whole segment")
        }
        guard let literal = PercentEncoding.decode(text.utf8) else {
            throw SyntaxError(description: "'\(text)' in '\(source)' is not valid percent-encoding")
        }
        return .literal(literal)
    }

    /// The values of the holes when `target` (path and query of a request, as on the request line) is this poll.
    public func match(_ target: some StringProtocol) -> [String: String]? {
        guard target.hasPrefix("/") else { return nil }
        let bytes = Array(target.utf8)
        let halves = bytes.split(separator: 0x3F, maxSplits: 1, omittingEmptySubsequences: false)
        let segments = halves[0].dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false)
        guard segments.count == path.count else { return nil }
        var values: [String: String] = [:]
        for (segment, part) in zip(segments, path) {
            guard let text = PercentEncoding.decode(segment) else { return nil }
            switch part {
            case .literal(let literal):
                guard text.utf8.elementsEqual(literal.utf8) else { return nil }
            case .name(let name):
                guard !text.isEmpty, text != ".", text != ".." else { return nil }
                values[name] = text
            }
        }
        if query.isEmpty { return values }
        var given: [String: String] = [:]
        var repeated: Set<String> = []
        for pair in halves.count == 2 ? halves[1].split(separator: 0x26) : [] {
            let sides = pair.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = Self.formDecode(sides[0]), let value = Self.formDecode(sides.count == 2 ? sides[1] : [])
            else { return nil }
            if given.updateValue(value, forKey: key) != nil { repeated.insert(key) }
        }
        for (key, part) in query {
            guard let value = given[key], !repeated.contains(key) else { return nil }
            switch part {
            case .literal(let literal):
                guard value.utf8.elementsEqual(literal.utf8) else { return nil }
            case .name(let name):
                guard !value.isEmpty else { return nil }
                values[name] = value
            }
        }
        return values
    }

    /// The request target for these values: one that ``match(_:)`` gives the same values for. `nil` when a value is missing, empty,
    /// or a dot segment, which servers would take for another path.
    public func fill(_ values: [String: String]) -> String? {
        var target = ""
        for part in path {
            target += "/"
            if case .name(let name) = part, values[name] == "." || values[name] == ".." { return nil }
            guard Self.append(part, values, to: &target) else { return nil }
        }
        for (index, pair) in query.enumerated() {
            target += index == 0 ? "?" : "&"
            target += pair.key + "="
            guard Self.append(pair.part, values, to: &target) else { return nil }
        }
        return target
    }

    private static func append(_ part: Part, _ values: [String: String], to target: inout String) -> Bool {
        let text: String
        switch part {
        case .literal(let literal): text = literal
        case .name(let name):
            guard let value = values[name], !value.isEmpty else { return false }
            text = value
        }
        PercentEncoding.encode(text, into: &target) { byte in
            ChannelName.isValueByte(byte) && byte != 0x2B && byte != 0x3D
        }
        return true
    }

    private static func formDecode(_ bytes: ArraySlice<UInt8>) -> String? {
        PercentEncoding.decode(bytes.map { $0 == 0x2B ? 0x20 : $0 })
    }
}

extension PollPattern: CustomStringConvertible {
    public var description: String { source }
}
