import DoorbellCore

/// A JSON document to be compared with another. Numbers keep their digits; the order of members means nothing.
enum JSONTree: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONTree])
    case object([String: JSONTree])

    /// How deep a document may be nested: reading and comparing recurse.
    static let maximumDepth = 64

    /// - Throws: ``JSONError`` for what is not one JSON value, or nested more deeply than ``maximumDepth``.
    init(_ bytes: [UInt8]) throws(JSONError) {
        var scanner = JSONScanner(bytes)
        self = try Self.value(&scanner, bytes, depth: 0)
        try scanner.end()
    }

    private static func value(
        _ scanner: inout JSONScanner, _ bytes: [UInt8], depth: Int
    ) throws(JSONError) -> JSONTree {
        guard depth < maximumDepth else { throw JSONError("nested too deeply", at: scanner.offset) }
        switch scanner.peek() {
        case 0x7B:
            var members: [String: JSONTree] = [:]
            try scanner.object { (name, scanner) throws(JSONError) in
                members[name] = try value(&scanner, bytes, depth: depth + 1)
            }
            return .object(members)
        case 0x5B:
            var elements: [JSONTree] = []
            try scanner.array { (scanner) throws(JSONError) in
                elements.append(try value(&scanner, bytes, depth: depth + 1))
            }
            return .array(elements)
        case 0x22: return .string(try scanner.string())
        case 0x74, 0x66: return .bool(try scanner.bool())
        case 0x6E: return scanner.null() ? .null : try number(&scanner, bytes)
        default: return try number(&scanner, bytes)
        }
    }

    private static func number(_ scanner: inout JSONScanner, _ bytes: [UInt8]) throws(JSONError) -> JSONTree {
        .number(String(decoding: bytes[try scanner.skipValue()], as: UTF8.self))
    }

    subscript(_ name: String) -> JSONTree? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    var elements: [JSONTree]? { if case .array(let elements) = self { elements } else { nil } }

    /// What stands at `path`; `nil` when nothing does, or it leads through arrays.
    subscript(_ path: JSONPath) -> JSONTree? {
        path.steps.reduce(Optional(self)) { tree, step in
            if case .member(let name) = step { tree?[name] } else { nil }
        }
    }

    /// Compact JSON with sorted members.
    var text: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .number(let digits): bytes += digits.utf8
        case .string(let text): JSONWriter.string(text, to: &bytes)
        case .array(let elements):
            bytes.append(0x5B)
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(0x2C) }
                element.write(to: &bytes)
            }
            bytes.append(0x5D)
        case .object(let members):
            bytes.append(0x7B)
            for (index, name) in members.keys.sorted().enumerated() {
                if index > 0 { bytes.append(0x2C) }
                JSONWriter.string(name, to: &bytes)
                bytes.append(0x3A)
                members[name]?.write(to: &bytes)
            }
            bytes.append(0x7D)
        }
    }
}
