import DoorbellCore

/// What a verified token says, as the JSON object that was signed; read by path when somebody asks.
///
/// Its description says nothing, because claims may be personal.
public struct Claims: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let json: [UInt8]

    init(json: [UInt8]) { self.json = json }

    /// The texts of a claim: a string's own, a number's digits as they stand in the token, `true` or `false`; for a list, those
    /// of its elements. Empty when there is no such claim, or it is an object, `null` or written twice.
    ///
    /// - Parameter path: The claim's name; or, where there is none of that name, names of nested objects with dots between.
    public func texts(_ path: String) -> [String] {
        guard let value = value(path) else { return [] }
        guard value.first == 0x5B else { return Self.text(value).map { [$0] } ?? [] }
        var texts: [String] = []
        do throws(JSONError) {
            var scanner = JSONScanner(value)
            try scanner.array { (scanner) throws(JSONError) in
                let range = try scanner.skipValue()
                if let text = Self.text(Array(value[range])) { texts.append(text) }
            }
        } catch {
            return []
        }
        return texts
    }

    /// The JSON of a claim.
    func value(_ path: String) -> [UInt8]? {
        if let value = Self.member(path, of: json) { return value }
        guard path.contains(".") else { return nil }
        var value = json
        for name in path.split(separator: ".", omittingEmptySubsequences: false) {
            guard let next = Self.member(String(name), of: value) else { return nil }
            value = next
        }
        return value
    }

    /// `nil` when `json` is no object or does not have exactly one such member.
    private static func member(_ name: String, of json: [UInt8]) -> [UInt8]? {
        guard json.first == 0x7B else { return nil }
        var found: Range<Int>?
        var isRepeated = false
        do throws(JSONError) {
            var scanner = JSONScanner(json)
            try scanner.object { (key, scanner) throws(JSONError) in
                let range = try scanner.skipValue()
                if key.utf8.elementsEqual(name.utf8) {
                    if found != nil { isRepeated = true }
                    found = range
                }
            }
        } catch {
            return nil
        }
        return isRepeated ? nil : found.map { Array(json[$0]) }
    }

    private static func text(_ value: [UInt8]) -> String? {
        switch value.first {
        case 0x7B, 0x5B, nil: nil
        default: JSONScanner.plainText(value[...])
        }
    }

    public var description: String { "<claims>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
