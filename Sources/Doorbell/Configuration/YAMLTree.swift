import Yams

/// A YAML document with the place of every value.
///
/// The configuration is read from this tree by hand and not through `Codable`, because a decoder stops at the first mistake
/// and knows no lines, and a person who starts a service wants to see all of them, with their places.
struct YAMLTree {
    struct Mark: Hashable {
        var line: Int
        var column: Int
    }

    struct Member {
        let key: String
        let keyMark: Mark
        let value: YAMLTree
    }

    enum Kind {
        /// `plain`: without quotes, so that `true` and `5` are not text.
        case scalar(String, plain: Bool)
        case list([YAMLTree])
        case mapping([Member])
    }

    let mark: Mark
    let kind: Kind

    struct SyntaxError: Error {
        let mark: Mark?
        let message: String
    }

    /// What the parser is made to believe that a key begins with whose name stands in the mapping again: it stops at
    /// the first repetition otherwise, and nothing else would be reported. From the private use area of Unicode.
    private static let repeated: Character = "\u{E000}"

    /// `nil` for a document without content. Repeated keys are kept: see ``Member``.
    static func parse(_ text: String) throws(SyntaxError) -> YAMLTree? {
        // Editors of Windows begin files with a mark of their encoding.
        let bare = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        var lines = bare.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for _ in 0..<100 {
            do {
                guard let root = try Yams.compose(yaml: lines.joined(separator: "\n")) else { return nil }
                return tree(root)
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                guard mark(repeatedKeyAt: context.mark, in: &lines) else {
                    throw SyntaxError(
                        mark: Mark(line: context.mark.line, column: context.mark.column),
                        message: "the key '\(names.first ?? "")' stands twice")
                }
            } catch let error as YamlError {
                throw syntaxError(error)
            } catch {
                throw SyntaxError(mark: nil, message: "this is not YAML: \(error)")
            }
        }
        throw SyntaxError(mark: nil, message: "more than 100 keys stand twice")
    }

    private static func mark(repeatedKeyAt place: Yams.Mark, in lines: inout [String]) -> Bool {
        guard place.line >= 1, place.line <= lines.count else { return false }
        var scalars = Array(lines[place.line - 1].unicodeScalars)
        guard place.column >= 1, place.column <= scalars.count else { return false }
        let quoted = scalars[place.column - 1] == "\"" || scalars[place.column - 1] == "'"
        scalars.insert(contentsOf: repeated.unicodeScalars, at: place.column - 1 + (quoted ? 1 : 0))
        var line = String.UnicodeScalarView()
        line.append(contentsOf: scalars)
        lines[place.line - 1] = String(line)
        return true
    }

    private static func tree(_ node: Node) -> YAMLTree {
        let mark = Mark(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
        switch node {
        case .scalar(let scalar):
            return YAMLTree(mark: mark, kind: .scalar(scalar.string, plain: scalar.style == .plain))
        case .sequence(let nodes):
            return YAMLTree(mark: mark, kind: .list(nodes.map(tree)))
        case .mapping(let mapping):
            let members = mapping.map { key, value in
                let keyTree = tree(key)
                var name = if case .scalar(let text, _) = keyTree.kind { text } else { "" }
                name.removeAll { $0 == repeated }
                return Member(key: name, keyMark: keyTree.mark, value: tree(value))
            }
            return YAMLTree(mark: mark, kind: .mapping(members))
        case .alias:
            return YAMLTree(mark: mark, kind: .scalar("", plain: true))
        }
    }

    private static func syntaxError(_ error: YamlError) -> SyntaxError {
        switch error {
        case .scanner(let context, let problem, let mark, let yaml),
            .parser(let context, let problem, let mark, let yaml),
            .composer(let context, let problem, let mark, let yaml):
            let lines = yaml.split(separator: "\n", maxSplits: max(1, mark.line), omittingEmptySubsequences: false)
            let indent = lines.dropFirst(max(0, mark.line - 1)).first?.prefix { $0 == " " || $0 == "\t" } ?? ""
            let tab =
                indent.contains("\t") && !problem.contains("tab") ? "; lines are indented by spaces, not by tabs" : ""
            return SyntaxError(
                mark: Mark(line: mark.line, column: mark.column),
                message: "this is not YAML: \(context.map { "\($0.text), " } ?? "")\(problem)\(tab)")
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { yaml.prefix($0).reduce(1) { $1.isNewline ? $0 + 1 : $0 } }
            return SyntaxError(mark: line.map { Mark(line: $0, column: 1) }, message: "this is not YAML: \(problem)")
        default: return SyntaxError(mark: nil, message: "this is not YAML: \(error)")
        }
    }

    /// What it is, for sentences such as "must be text, not a list".
    var noun: String {
        switch kind {
        case .scalar("", plain: true): "nothing"
        case .scalar: "text"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }
}
