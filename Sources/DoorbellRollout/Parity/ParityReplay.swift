import DoorbellCore

/// Applies the messages between two answers to the rows of the first, and compares with the rows of the second.
struct ParityReplay {
    let items: ParitySettings.Items
    let ignore: [JSONPath]
    let version: SchemaVersion

    /// Differences between what push would have shown and what the poll shows. `nil`: cannot be replayed, because the rows are
    /// not there, or a message only says that something changed.
    ///
    /// - Parameters:
    ///   - messages: After the first answer was asked for, oldest first. Applying one again does no harm, since rows are told whole.
    ///   - asked: When the second answer was asked for. What is newer may be in it or not, so its rows are left out.
    func differences(
        from before: JSONTree, to after: JSONTree, messages: [Publication], asked: Position
    ) -> [ParityDifference]? {
        guard let old = rows(of: before), let new = rows(of: after) else { return nil }
        var told = old
        var undecided: Set<JSONTree> = []
        let shown = Set(old.values.flatMap(Self.names)).union(new.values.flatMap(Self.names))
        for message in messages {
            guard case .change(let operation, let renditions) = message.content else {
                if case .message = message.content { continue }
                return nil
            }
            if operation == .truncate {
                guard message.position <= asked else { return nil }
                told = [:]
                continue
            }
            guard let rendition = renditions.first(where: { $0.version == version }),
                let key = key(of: rendition)
            else { return nil }
            if message.position > asked { undecided.insert(key) }
            if operation == .delete {
                told[key] = nil
            } else {
                guard let row = rendition.data.flatMap({ try? JSONTree($0) }), case .object(let members) = row else {
                    return nil
                }
                told[key] = merged(told[key], members.filter { shown.contains($0.key) })
            }
        }
        var differences: [ParityDifference] = []
        for key in Set(told.keys).union(new.keys).subtracting(undecided).sorted(by: { $0.text < $1.text }) {
            let place = "\(items.path)[\(items.key)=\(key.text.shortened(to: 60))]"
            compare(told[key], new[key], at: place, items.path.appending(.anyElement), &differences)
        }
        return differences
    }

    /// By key. `nil`: there is no array of objects that have one.
    private func rows(of body: JSONTree) -> [JSONTree: JSONTree]? {
        guard let elements = body[items.path]?.elements else { return nil }
        let rows = BodyComparison.keyed(elements, by: items.key)
        return rows.count == elements.count ? rows : nil
    }

    private func key(of rendition: Publication.Rendition) -> JSONTree? {
        if let data = rendition.data.flatMap({ try? JSONTree($0) }), let key = data[items.key] { return key }
        guard let key = rendition.key.flatMap({ try? JSONTree($0) }), case .object(let members) = key else {
            return nil
        }
        return members[items.key] ?? (members.count == 1 ? members.first?.value : nil)
    }

    private static func names(of row: JSONTree) -> [String] {
        if case .object(let members) = row { Array(members.keys) } else { [] }
    }

    private func merged(_ row: JSONTree?, _ members: [String: JSONTree]) -> JSONTree {
        guard case .object(let known)? = row else { return .object(members) }
        return .object(known.merging(members) { $1 })
    }

    /// `before` is what push would have shown.
    private func compare(
        _ before: JSONTree?, _ after: JSONTree?, at place: String, _ path: JSONPath,
        _ differences: inout [ParityDifference]
    ) {
        guard differences.count < 20, !Self.isSame(before, after), !ignore.contains(where: { $0.covers(path) }) else {
            return
        }
        if case .object(let before)? = before, case .object(let after)? = after {
            for name in Set(before.keys).union(after.keys).sorted() {
                compare(
                    before[name], after[name], at: place + JSONPath.text(of: name), path.appending(.member(name)),
                    &differences)
            }
        } else {
            differences.append(ParityDifference(path: place, before: before, after: after))
        }
    }

    /// Numbers by their value, moments by what both of them say: that is how clients read them.
    private static func isSame(_ a: JSONTree?, _ b: JSONTree?) -> Bool {
        if a == b { return true }
        guard let a, let b else { return false }
        switch (a, b) {
        case (.number(let a), .number(let b)):
            guard Double(a) == Double(b) else { return false }
            return (a + b).contains { $0 == "e" || $0 == "E" } || significant(a) == significant(b)
        case (.string, .string):
            guard let a = WrittenTime(a), let b = WrittenTime(b) else { return false }
            return a.agrees(with: b)
        case (.array(let a), .array(let b)): return a.count == b.count && zip(a, b).allSatisfy { isSame($0, $1) }
        case (.object(let a), .object(let b)):
            return a.count == b.count && a.allSatisfy { name, value in isSame(value, b[name]) }
        default: return false
        }
    }

    /// The digits that matter, so that long numbers that are the same double are still told apart.
    private static func significant(_ number: String) -> Substring {
        var trimmed = number[...]
        guard trimmed.contains(".") else { return trimmed }
        while trimmed.last == "0" { trimmed.removeLast() }
        if trimmed.last == "." { trimmed.removeLast() }
        return trimmed
    }
}
