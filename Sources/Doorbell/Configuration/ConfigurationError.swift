/// One mistake in the configuration: where it is, what it is, what to do.
public struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
    /// The file, or the environment variable.
    public let file: String
    /// From 1; `nil` when no line is to blame.
    public let line: Int?
    /// From 1, in Unicode scalars.
    public let column: Int?
    /// A sentence without its full stop.
    public let message: String
    /// How it was probably meant, or what to do.
    public let suggestion: String?

    public init(file: String, line: Int?, column: Int?, message: String, suggestion: String? = nil) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.suggestion = suggestion
    }

    /// `doorbell.yaml:12: unknown key 'chanel' in features.orders; did you mean 'channel'?`
    public var description: String {
        "\(file)\(line.map { ":\($0)" } ?? ""): \(message)\(suggestion.map { "; \($0)" } ?? "")"
    }
}

/// The configuration is wrong: every mistake in it, not the first one only.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// At least one, by line.
    public let problems: [ConfigurationProblem]

    public init(problems: [ConfigurationProblem]) {
        self.problems = Self.sorted(problems)
    }

    /// One problem a line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }

    static func sorted(_ problems: [ConfigurationProblem]) -> [ConfigurationProblem] {
        var seen: Set<ConfigurationProblem> = []
        return problems.filter { seen.insert($0).inserted }.enumerated().sorted { a, b in
            (a.element.line ?? 0, a.element.column ?? 0, a.offset) < (
                b.element.line ?? 0, b.element.column ?? 0, b.offset
            )
        }.map(\.element)
    }
}
