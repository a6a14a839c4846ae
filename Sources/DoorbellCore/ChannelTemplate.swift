/// A channel name with holes: `user:{user_id}:notifications`, parsed once when the configuration is read.
///
/// A template is a list of segments divided by `:` or `/`; each segment holds at most one `{name}`, with literal text before
/// and after it. Values are percent-encoded outside `A-Z a-z 0-9 _ - . ~ @ + =`, so a value can never add a segment, and
/// ``match(_:)`` is the exact inverse of ``expand(_:)``.
public struct ChannelTemplate: Hashable, Sendable {
    /// The text as written.
    public let source: String
    let segments: [Segment]

    struct Segment: Hashable, Sendable {
        /// The separator before the segment; `nil` for the first.
        var separator: UInt8?
        var prefix: String
        var name: String?
        var suffix: String

        /// Whether the hole can be filled so that the segment reads `literal`.
        func holds(_ literal: String) -> Bool {
            literal.utf8.count > prefix.utf8.count + suffix.utf8.count && literal.hasPrefix(prefix)
                && literal.hasSuffix(suffix)
        }
    }

    /// The names in the holes, in order of appearance.
    public var names: [String] { segments.compactMap(\.name) }

    public struct SyntaxError: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// - Throws: ``SyntaxError``, with a sentence that says what is wrong with the text.
    public init(_ source: String) throws(SyntaxError) {
        self.source = source
        var segments: [Segment] = []
        var current = Segment(separator: nil, prefix: "", name: nil, suffix: "")
        var rest = Substring(source)
        guard !source.isEmpty else { throw SyntaxError(description: "a channel template may not be empty") }
        while let character = rest.popFirst() {
            switch character {
            case ":", "/":
                segments.append(current)
                current = Segment(separator: character.asciiValue, prefix: "", name: nil, suffix: "")
            case "{":
                guard let end = rest.firstIndex(of: "}") else {
                    throw SyntaxError(description: "'{' without '}' in '\(source)'")
                }
                let name = String(rest[..<end])
                rest = rest[rest.index(after: end)...]
                guard !name.isEmpty, !name.contains("{") else {
                    throw SyntaxError(description: "'{\(name)}' is not a name in '\(source)'")
                }
                guard current.name == nil else {
                    throw SyntaxError(
                        description: "'\(source)' has two names in one segment; put ':' or '/' between them")
                }
                current.name = name
            case "}":
                throw SyntaxError(description: "'}' without '{' in '\(source)'")
            default:
                guard let byte = character.asciiValue, ChannelName.isAllowed(byte), byte != 0x25 else {
                    throw SyntaxError(description: "'\(character)' is not allowed in a channel, in '\(source)'")
                }
                if current.name == nil { current.prefix.append(character) } else { current.suffix.append(character) }
            }
        }
        segments.append(current)
        self.segments = segments
    }

    public enum Expansion: Hashable, Sendable {
        case channel(ChannelName)
        /// A value is SQL NULL or empty: the row belongs to no channel.
        case absent(String)
        /// There is no such column or parameter.
        case missing(String)
        /// The name would be longer than ``ChannelName/maximumLength``.
        case tooLong
    }

    /// Fills the holes. `value` answers `nil` when the name does not exist, and `.some(nil)` when its value is NULL.
    public func expand(_ value: (String) -> String??) -> Expansion {
        var text: [UInt8] = []
        text.reserveCapacity(source.utf8.count + 24)
        // By index: a copy of a segment would retain its three strings.
        for index in segments.indices {
            if let separator = segments[index].separator { text.append(separator) }
            text.append(contentsOf: segments[index].prefix.utf8)
            if let name = segments[index].name {
                guard let found = value(name) else { return .missing(name) }
                guard let filled = found, !filled.isEmpty else { return .absent(name) }
                PercentEncoding.encode(filled, into: &text, keeping: ChannelName.isValueByte)
            }
            text.append(contentsOf: segments[index].suffix.utf8)
        }
        // Literal text was checked when the template was parsed, values are encoded.
        guard let channel = ChannelName(allowed: String(decoding: text, as: UTF8.self)) else { return .tooLong }
        return .channel(channel)
    }

    /// The values that make this template into `channel`, or `nil` when none do.
    public func match(_ channel: ChannelName) -> [String: String]? {
        var values: [String: String] = [:]
        var rest = channel.rawValue.utf8[...]
        for segment in segments {
            if let separator = segment.separator {
                guard rest.first == separator else { return nil }
                rest = rest.dropFirst()
            }
            let end = rest.firstIndex(where: ChannelName.isSeparator) ?? rest.endIndex
            let piece = rest[..<end]
            rest = rest[end...]
            guard let name = segment.name else {
                guard piece.elementsEqual(segment.prefix.utf8) else { return nil }
                continue
            }
            guard piece.count > segment.prefix.utf8.count + segment.suffix.utf8.count,
                piece.starts(with: segment.prefix.utf8),
                piece.suffix(segment.suffix.utf8.count).elementsEqual(segment.suffix.utf8)
            else { return nil }
            let encoded = piece.dropFirst(segment.prefix.utf8.count).dropLast(segment.suffix.utf8.count)
            // One value has one spelling: `%61` for `a` would be a second channel that nothing is ever published on.
            guard let value = PercentEncoding.decode(encoded), Self.encoded(value).elementsEqual(encoded)
            else { return nil }
            // By bytes: Swift calls two Unicode spellings of one text equal, the database does not.
            if let earlier = values[name], !earlier.utf8.elementsEqual(value.utf8) { return nil }
            values[name] = value
        }
        return rest.isEmpty ? values : nil
    }

    /// Whether some channel name could match both templates.
    public func overlaps(_ other: ChannelTemplate) -> Bool {
        guard segments.count == other.segments.count else { return false }
        return zip(segments, other.segments).allSatisfy { a, b in
            guard a.separator == b.separator else { return false }
            switch (a.name, b.name) {
            case (nil, nil): return a.prefix == b.prefix
            case (nil, _): return b.holds(a.prefix)
            case (_, nil): return a.holds(b.prefix)
            default:
                return (a.prefix.hasPrefix(b.prefix) || b.prefix.hasPrefix(a.prefix))
                    && (a.suffix.hasSuffix(b.suffix) || b.suffix.hasSuffix(a.suffix))
            }
        }
    }

    private static func encoded(_ value: String) -> [UInt8] {
        var bytes: [UInt8] = []
        PercentEncoding.encode(value, into: &bytes, keeping: ChannelName.isValueByte)
        return bytes
    }
}

extension ChannelTemplate: CustomStringConvertible {
    public var description: String { source }
}
