public import DoorbellCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Any JSON, compared by value: the order of members and the way a number is written do not matter.
public enum JSONValue: Sendable {
    case null
    case bool(Bool)
    /// A number without a fraction that fits 64 bits.
    case integer(Int64)
    /// Any other number. Equal to an ``integer(_:)`` of the same value.
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// Names that differ only in how Unicode composes their letters are one name.
    case object([String: JSONValue])

    /// Arrays and objects that may be open at once: a message around the deepest value that the server embeds.
    public static let maximumDepth = JSONText.maximumDepth + 16

    /// Reads JSON (RFC 8259). Of members with one name the last one counts.
    ///
    /// - Throws: `JSONError` for anything that is no JSON, deeper than ``maximumDepth``, or a number that no `Double` holds.
    public init(parsing text: [UInt8]) throws(JSONError) {
        var scanner = JSONScanner(text)
        self = try Self.read(&scanner, text, depth: 0)
        try scanner.end()
    }

    private static func read(_ scanner: inout JSONScanner, _ text: [UInt8], depth: Int) throws(JSONError) -> Self {
        let first = scanner.peek()
        if depth >= maximumDepth, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            throw JSONError("nested too deeply", at: scanner.offset)
        }
        switch first {
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try scanner.object { (name, scanner) throws(JSONError) in
                members[name] = try read(&scanner, text, depth: depth + 1)
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try scanner.array { (scanner) throws(JSONError) in
                elements.append(try read(&scanner, text, depth: depth + 1))
            }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try scanner.string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try scanner.bool())
        case UInt8(ascii: "n") where scanner.null(): return .null
        default:
            let range = try scanner.skipValue()
            let digits = String(decoding: text[range], as: UTF8.self)
            if let integer = Int64(digits) { return .integer(integer) }
            guard let number = Double(digits), number.isFinite else {
                throw JSONError("a number that is out of range", at: range.lowerBound)
            }
            return .number(number)
        }
    }

    // MARK: Writing

    /// JSON without white space, members in the order of their names: the same bytes for equal values.
    public var json: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += Array("null".utf8)
        case .bool(let value): bytes += Array((value ? "true" : "false").utf8)
        case .integer(let value): JSONWriter.integer(value, to: &bytes)
        case .number(let value):
            if let integer = Int64(exactly: value) { return JSONWriter.integer(integer, to: &bytes) }
            bytes += Array((value.isFinite ? "\(value)" : "null").utf8)
        case .string(let value): JSONWriter.string(value, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, name) in members.keys.sorted().enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONWriter.string(name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                members[name]?.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// 64 bits of the value in hexadecimal (FNV-1a of ``json``): tells states apart in reports.
    var digest: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in json { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: Parts

    /// A member; `nil` where there is none, and for anything but an object.
    public subscript(name: String) -> JSONValue? { object?[name] }

    /// An element; `nil` where there is none, and for anything but an array.
    public subscript(index: Int) -> JSONValue? {
        array.flatMap { $0.indices.contains(index) ? $0[index] : nil }
    }

    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }

    /// A number without a fraction that fits 64 bits.
    public var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// Any number; one of more than 53 bits is rounded.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The value as a type of the program's own.
    ///
    /// - Throws: `DecodingError`.
    public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(json))
    }

    /// Applies a merge patch (RFC 7386).
    func merging(_ patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members = object ?? [:]
        for (name, value) in changes {
            members[name] = value == .null ? nil : (members[name] ?? .null).merging(value)
        }
        return .object(members)
    }

    /// In what fields another value differs, such as `items[].price`; a list with another number of elements is one field.
    func differences(from other: JSONValue?, path: String = "") -> Set<String> {
        if self == other { return [] }
        switch (self, other) {
        case (.object(let mine), .object(let others)):
            return Set(mine.keys).union(others.keys).reduce(into: []) { fields, name in
                let path = path.isEmpty ? name : "\(path).\(name)"
                guard let value = mine[name] else { return _ = fields.insert(path) }
                fields.formUnion(value.differences(from: others[name], path: path))
            }
        case (.array(let mine), .array(let others)) where mine.count == others.count:
            return zip(mine, others).reduce(into: []) { fields, pair in
                fields.formUnion(pair.0.differences(from: pair.1, path: "\(path)[]"))
            }
        case (.string(let mine), .string(let others)) where Self.time(mine) == Self.time(others): return []
        default: return [path.isEmpty ? "body" : path]
        }
    }

    /// A time as RFC 3339 has it, in the one way of writing that there is without zeros at the end of its fraction; other texts as
    /// they are.
    private static func time(_ text: String) -> String {
        let pattern = /(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:(\.\d*[1-9])0*|\.0+)?([Zz]|[+-]\d\d:\d\d)/
        guard let match = text.wholeMatch(of: pattern)?.output else { return text }
        let zone = ["z", "Z", "+00:00", "-00:00"].contains(match.4) ? "Z" : match.4
        return "\(match.1)T\(match.2)\(match.3 ?? "")\(zone)"
    }
}

extension JSONValue: Hashable {
    public static func == (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.integer(let a), .number(let b)), (.number(let b), .integer(let a)): Int64(exactly: b) == a
        // By bytes: two Unicode spellings of one text are two texts.
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .number(let value):
            if let integer = Int64(exactly: value) { hasher.combine(integer) } else { hasher.combine(value) }
        case .string(let value): hasher.combine(value)
        case .array(let value): hasher.combine(value)
        case .object(let value): hasher.combine(value)
        }
    }
}

extension JSONValue: CustomStringConvertible {
    public var description: String { String(decoding: json, as: UTF8.self) }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(Dictionary(members) { $1 })
    }
}
