import DoorbellCore

/// Reads a ``Configuration`` from a tree and goes on after each mistake, so that all of them are told at once.
///
/// Confined to one call of ``Configuration/parse(_:file:environment:)``.
final class ConfigurationReader {
    let file: String
    let environment: [String: String]
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []
    /// Whether the file has `auth`, right or wrong.
    var hasAuthentication = false
    /// What names the user in a token, and the cookie that a token may come in: `auth` says so, for the cohorts of features.
    var tokenClaim = "sub"
    var tokenCookie: String?
    /// Paths of ``ConfigurationReference`` that were looked up, for the test that compares them.
    var asked: Set<String> = []

    init(file: String, environment: [String: String]) {
        self.file = file
        self.environment = environment
    }

    func problem(_ mark: YAMLTree.Mark?, _ message: String, _ suggestion: String? = nil) {
        problems.append(
            ConfigurationProblem(
                file: file, line: mark?.line, column: mark?.column, message: message, suggestion: suggestion))
    }

    func problem(variable: String, _ message: String, _ suggestion: String?) {
        problems.append(
            ConfigurationProblem(file: variable, line: nil, column: nil, message: message, suggestion: suggestion))
    }

    func warning(_ mark: YAMLTree.Mark?, _ message: String, _ suggestion: String? = nil) {
        warnings.append(
            ConfigurationProblem(
                file: file, line: mark?.line, column: mark?.column, message: message, suggestion: suggestion))
    }

    // MARK: Values

    /// A scalar's text with its variables filled in. `nil` after a problem.
    func text(_ tree: YAMLTree, _ path: String) -> String? {
        guard case .scalar(let raw, let plain) = tree.kind else {
            let hint =
                if case .mapping = tree.kind { "text that begins with '{' needs quotes" } else { String?.none }
            problem(tree.mark, "\(path) must be text, not \(tree.noun)", hint)
            return nil
        }
        guard let text = expand(raw, tree.mark) else { return nil }
        guard !text.isEmpty, !(plain && (raw == "~" || raw == "null")) else {
            problem(tree.mark, "\(path) is empty")
            return nil
        }
        return text
    }

    /// Fills `${VAR}` and `${VAR:-default}` in; `$${` stands for `${`. This happens to values that are already parsed, so what
    /// a variable holds can never become YAML.
    func expand(_ raw: String, _ mark: YAMLTree.Mark) -> String? {
        guard raw.contains("${") else { return raw }
        var text = ""
        var rest = raw[...]
        var complete = true
        while let dollar = rest.firstIndex(of: "$") {
            text += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                text += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    problem(mark, "'${' without '}'", "write '$${' for the characters themselves")
                    return nil
                }
                let body = rest.dropFirst(2)[..<end]
                rest = rest[rest.index(after: end)...]
                if let value = variable(String(body), mark) { text += value } else { complete = false }
            } else {
                text += "$"
                rest = rest.dropFirst()
            }
        }
        return complete ? text + rest : nil
    }

    /// `body` is what stands between the braces.
    private func variable(_ body: String, _ mark: YAMLTree.Mark) -> String? {
        let name = String(body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        let rest = body.dropFirst(name.count)
        guard let first = name.first, !first.isNumber, rest.isEmpty || rest.hasPrefix(":-") else {
            problem(mark, "'${\(body)}' is not a variable", "write '${NAME}' or '${NAME:-default}'")
            return nil
        }
        if let value = environment[name], rest.isEmpty || !value.isEmpty { return value }
        if !rest.isEmpty { return String(rest.dropFirst(2)) }
        problem(
            mark, "the environment variable \(name) is not set", "set it, or write '${\(name):-default}'")
        return nil
    }
}
