/// A place in a JSON document, or many like it: `$.serverTime`, `$.items[*].age`, `$['a b'].*`.
///
/// Elements of an array are not told apart, because what is said by such a path holds for all of them.
public struct JSONPath: Hashable, Sendable {
    public enum Step: Hashable, Sendable {
        case member(String)
        /// `.*`
        case anyMember
        /// `[*]`
        case anyElement
    }

    public struct SyntaxError: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    public static let root = JSONPath(steps: [])

    public let steps: [Step]

    public init(steps: [Step]) { self.steps = steps }

    /// - Throws: ``SyntaxError``, with a sentence that says what is wrong with the text.
    public init(_ text: String) throws(SyntaxError) {
        guard text.first == "$" else {
            throw SyntaxError(description: "a path begins with '$', such as '$.items[*].age', not '\(text)'")
        }
        var steps: [Step] = []
        var rest = text.dropFirst()
        while let first = rest.first {
            if first == "." {
                rest = rest.dropFirst()
                let name = rest.prefix { $0 != "." && $0 != "[" }
                guard !name.isEmpty else { throw SyntaxError(description: "a name is missing in '\(text)'") }
                steps.append(name == "*" ? .anyMember : .member(String(name)))
                rest = rest[name.endIndex...]
            } else if rest.hasPrefix("[*]") {
                steps.append(.anyElement)
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("['"), let end = rest.dropFirst(2).firstIndex(of: "'"),
                rest[end...].hasPrefix("']")
            {
                steps.append(.member(String(rest.dropFirst(2)[..<end])))
                rest = rest[end...].dropFirst(2)
            } else {
                throw SyntaxError(
                    description: "'\(rest)' in '\(text)' is no step of a path: write '.name', '['name']', '.*' or '[*]'"
                )
            }
        }
        self.steps = steps
    }

    public func appending(_ step: Step) -> JSONPath { JSONPath(steps: steps + [step]) }

    /// Whether `other` is this place or one inside it.
    public func covers(_ other: JSONPath) -> Bool {
        guard steps.count <= other.steps.count else { return false }
        return zip(steps, other.steps).allSatisfy { mine, theirs in
            if case (.anyMember, .member) = (mine, theirs) { return true }
            return mine == theirs
        }
    }
}

extension JSONPath: CustomStringConvertible {
    public var description: String {
        steps.reduce(into: "$") { text, step in
            switch step {
            case .member(let name): text += Self.text(of: name)
            case .anyMember: text += ".*"
            case .anyElement: text += "[*]"
            }
        }
    }

    /// `.name`, or `['a name']`.
    public static func text(of name: String) -> String {
        let isPlain =
            !name.isEmpty && name.utf8.allSatisfy { ChannelName.isValueByte($0) && $0 != 0x2E }
        return isPlain ? "." + name : "['\(name)']"
    }
}
