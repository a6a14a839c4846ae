import DoorbellCore

/// One mapping of the file and the typed reading of its members. Every method reports what is wrong, with its line, and answers
/// the default then, so that reading goes on.
struct ConfigurationSection {
    let reader: ConfigurationReader
    /// As people read it: `features.orders.tables[0]`; empty for the root.
    let path: String
    /// As ``ConfigurationReference`` writes it: `features.<name>.tables[]`.
    let pattern: String
    let mark: YAMLTree.Mark
    let members: [YAMLTree.Member]

    /// `nil`, after a problem, when `tree` is no mapping. Reports repeated keys, and unknown ones unless the keys are names of the
    /// user's own.
    init?(
        _ tree: YAMLTree, path: String, pattern: String, mark: YAMLTree.Mark? = nil, ownKeys: Bool = false,
        in reader: ConfigurationReader
    ) {
        guard case .mapping(let members) = tree.kind else {
            let place = path.isEmpty ? "the file" : path
            reader.problem(tree.mark, "\(place) must be a mapping ('key: value' lines), not \(tree.noun)")
            return nil
        }
        self.reader = reader
        self.path = path
        self.pattern = pattern
        self.mark = mark ?? tree.mark
        self.members = members
        let known = ConfigurationReference.children(of: pattern)
        let place = path.isEmpty ? "" : " in \(path)"
        var lines: [String: Int] = [:]
        for member in members {
            if let line = lines[member.key] {
                reader.problem(member.keyMark, "the key '\(member.key)' stands twice\(place), first in line \(line)")
            } else {
                lines[member.key] = member.keyMark.line
            }
            if !ownKeys, !known.contains(member.key) {
                reader.problem(
                    member.keyMark, "unknown key '\(member.key)'\(place)",
                    Nearest.suggestion(for: member.key, among: known))
            }
        }
    }

    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    // MARK: Reading

    subscript(key: String) -> YAMLTree? {
        reader.asked.insert(pattern.isEmpty ? key : "\(pattern).\(key)")
        return members.first { $0.key == key }?.value
    }

    func section(_ key: String, ownKeys: Bool = false) -> ConfigurationSection? {
        guard let tree = self[key] else { return nil }
        let keyMark = members.first { $0.key == key }?.keyMark
        return ConfigurationSection(
            tree, path: path(of: key), pattern: pattern.isEmpty ? key : "\(pattern).\(key)", mark: keyMark,
            ownKeys: ownKeys, in: reader)
    }

    func text(_ key: String) -> String? {
        self[key].flatMap { reader.text($0, path(of: key)) }
    }

    /// Reports a missing key, with an example of what to write.
    func required(_ key: String, _ example: String) -> String? {
        guard let tree = self[key] else {
            reader.problem(
                mark, "'\(key)' is missing\(path.isEmpty ? "" : " in \(path)")", "write '\(key): \(example)'")
            return nil
        }
        return reader.text(tree, path(of: key))
    }

    /// - Parameter later: Values that other versions know, and what to use instead.
    func choice<Value: RawRepresentable & CaseIterable>(
        _ key: String, default standard: Value, later: [String: String] = [:]
    ) -> Value where Value.RawValue == String {
        guard let text = text(key) else { return standard }
        if let value = Value(rawValue: text) { return value }
        let known = Value.allCases.map(\.rawValue)
        if let instead = later[text] {
            unavailable(key, "\(key): \(text)", instead)
        } else {
            reader.problem(
                self[key]?.mark, "\(path(of: key)) must be \(list(known)), not '\(text)'",
                Nearest.suggestion(for: text, among: known))
        }
        return standard
    }

    func unavailable(_ key: String, _ what: String, _ instead: String) {
        reader.problem(
            self[key]?.mark, "'\(what)' in \(path) is not available in this version", "use \(instead)")
    }

    func number(_ key: String, default standard: Int, _ range: ClosedRange<Int>) -> Int {
        guard let text = text(key) else { return standard }
        guard let number = Int(text) else {
            reader.problem(self[key]?.mark, "\(path(of: key)) must be a whole number, not '\(text)'")
            return standard
        }
        guard range.contains(number) else {
            reader.problem(
                self[key]?.mark,
                "\(path(of: key)) must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
            return standard
        }
        return number
    }

    func flag(_ key: String, default standard: Bool) -> Bool {
        switch text(key) {
        case nil: return standard
        case "true"?: return true
        case "false"?: return false
        case let text?:
            reader.problem(self[key]?.mark, "\(path(of: key)) must be 'true' or 'false', not '\(text)'")
            return standard
        }
    }

    func duration(_ key: String, default standard: Duration, _ range: ClosedRange<Duration>) -> Duration {
        guard let text = text(key) else { return standard }
        guard let duration = Units.duration(text) else {
            reader.problem(
                self[key]?.mark, "\(path(of: key)) must be a duration, not '\(text)'",
                "write a whole number and a unit: '250ms', '3s', '10m', '1h', '7d'")
            return standard
        }
        guard range.contains(duration) else {
            let bounds = "from \(Units.text(range.lowerBound)) to \(Units.text(range.upperBound))"
            reader.problem(self[key]?.mark, "\(path(of: key)) must be \(bounds), not \(text)")
            return standard
        }
        return duration
    }

    func size(_ key: String, default standard: Int, _ range: ClosedRange<Int>) -> Int {
        guard let text = text(key) else { return standard }
        guard let size = Units.size(text) else {
            reader.problem(
                self[key]?.mark, "\(path(of: key)) must be a size, not '\(text)'",
                "write a whole number and a unit: '512B', '64KiB', '1MiB'")
            return standard
        }
        guard range.contains(size) else {
            let bounds = "from \(Units.text(bytes: range.lowerBound)) to \(Units.text(bytes: range.upperBound))"
            reader.problem(self[key]?.mark, "\(path(of: key)) must be \(bounds), not \(text)")
            return standard
        }
        return size
    }

    /// The elements of a list; a problem and `nil` for anything else.
    func list(_ key: String) -> [YAMLTree]? {
        guard let tree = self[key] else { return nil }
        guard case .list(let elements) = tree.kind else {
            reader.problem(tree.mark, "\(path(of: key)) must be a list, not \(tree.noun)")
            return nil
        }
        return elements
    }

    private func list(_ words: [String]) -> String {
        let quoted = words.map { "'\($0)'" }
        return quoted.count < 2
            ? quoted.joined() : "\(quoted.dropLast().joined(separator: ", ")) or \(quoted[quoted.count - 1])"
    }
}
