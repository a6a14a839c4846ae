internal import DoorbellCore

/// What is worth knowing of a table before its changes are captured. Pure.
enum TableFacts {
    /// Writes a second from which the price of a trigger is worth a word.
    static let hot = 100.0

    static func text(_ table: TableDescription) -> String {
        var facts: [String] = []
        if table.kind == .partitioned {
            facts.append("\(Format.count(table.partitions)) partition\(table.partitions == 1 ? "" : "s")")
        }
        facts.append("about \(Format.count(table.rows)) row\(table.rows == 1 ? "" : "s")")
        facts.append(writes(table))
        return facts.joined(separator: ", ")
    }

    /// `0.2 writes a second`, or how many there were where that says more.
    static func writes(_ table: TableDescription) -> String {
        if let rate = table.writesPerSecond, rate > 0 { return "\(Format.number(rate)) writes a second" }
        switch table.writes {
        case 0: return "no writes so far"
        case 1: return "1 write so far"
        default: return "\(Format.count(table.writes)) writes so far"
        }
    }

    static func warnings(_ table: TableDescription) -> [String] {
        var warnings: [String] = []
        if table.key.isEmpty { warnings.append("it has no key: its messages cannot say which row they are about") }
        if let rate = table.writesPerSecond, rate >= hot {
            warnings.append("very hot: each of its writes pays for a trigger; try it where it does no harm first")
        }
        if !table.mayTrigger {
            warnings.append("this user may not create triggers on it: install as its owner, or GRANT TRIGGER")
        }
        return warnings
    }

    /// Whether the configuration can name it: it knows no quotes.
    static func isNameable(_ name: QualifiedName) -> Bool {
        QualifiedName(name.description) == name && !name.description.contains("\"")
    }

    /// Columns that no client should be sent, by their names.
    static func isSecret(_ column: String) -> Bool {
        let secrets: Set<String> = [
            "password", "passwd", "pwd", "secret", "token", "hash", "digest", "salt", "otp", "pin", "ssn", "credential",
            "apikey",
        ]
        let words = Word.split(column)
        return !secrets.isDisjoint(with: words) || words.contains("api") && words.contains("key")
    }
}
