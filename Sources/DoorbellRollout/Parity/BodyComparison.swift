import DoorbellCore

/// Compares two answers to the same poll.
struct BodyComparison {
    let settings: ParitySettings
    /// Seconds between the two answers.
    let elapsed: Double
    /// When the second one came.
    let at: Timestamp

    /// What identifies an array's objects when nothing is configured, by preference.
    private static let identifiers = ["id", "_id", "uuid", "key"]

    func differences(from before: JSONTree, to after: JSONTree) -> BodyDifferences {
        var found = BodyDifferences()
        compare(before, after, at: "$", .root, &found)
        return found
    }

    private func compare(
        _ before: JSONTree?, _ after: JSONTree?, at place: String, _ path: JSONPath, _ found: inout BodyDifferences
    ) {
        guard before != after, !settings.ignore.contains(where: { $0.covers(path) }) else { return }
        switch (before, after) {
        case (.object(let before)?, .object(let after)?):
            for name in Set(before.keys).union(after.keys).sorted() {
                compare(
                    before[name], after[name], at: place + JSONPath.text(of: name), path.appending(.member(name)),
                    &found)
            }
        case (.array(let before)?, .array(let after)?): compare(before, after, at: place, path, &found)
        default:
            found.add(
                BodyDifferences.Shape(path: path), look(before, after),
                ParityDifference(path: place, before: before, after: after))
        }
    }

    // MARK: Arrays

    private func compare(
        _ before: [JSONTree], _ after: [JSONTree], at place: String, _ path: JSONPath, _ found: inout BodyDifferences
    ) {
        let inside = path.appending(.anyElement)
        if let name = identifier(of: before, after, path) {
            let old = Self.keyed(before, by: name)
            let new = Self.keyed(after, by: name)
            for element in before + after.filter({ old[$0[name] ?? .null] == nil }) {
                let key = element[name] ?? .null
                compare(old[key], new[key], at: "\(place)[\(name)=\(key.text.shortened(to: 60))]", inside, &found)
            }
            let stayed = before.compactMap { $0[name] }.filter { new[$0] != nil }
            let stays = after.compactMap { $0[name] }.filter { old[$0] != nil }
            if stayed != stays { order(.array(stayed), .array(stays), at: place, path, &found) }
            return
        }
        if before.count == after.count, Self.counted(before) == Self.counted(after) {
            return order(.array(before), .array(after), at: place, path, &found)
        }
        // What is at the same end in both is the same.
        let start = zip(before, after).prefix { $0 == $1 }.count
        let rest = min(before.count, after.count) - start
        let end = zip(before.reversed(), after.reversed()).prefix { $0 == $1 }.count
        let old = before[start..<(before.count - min(end, rest))]
        let new = after[start..<(after.count - min(end, rest))]
        for index in 0..<max(old.count, new.count) {
            compare(
                index < old.count ? old[old.startIndex + index] : nil,
                index < new.count ? new[new.startIndex + index] : nil, at: "\(place)[\(start + index)]", inside, &found)
        }
    }

    private func order(
        _ before: JSONTree, _ after: JSONTree, at place: String, _ path: JSONPath, _ found: inout BodyDifferences
    ) {
        guard !settings.unordered.contains(path) else { return }
        found.add(
            BodyDifferences.Shape(path: path, isOrder: true), .order,
            ParityDifference(path: "the order of \(place)", before: before, after: after))
    }

    private func identifier(of before: [JSONTree], _ after: [JSONTree], _ path: JSONPath) -> String? {
        var candidates = Self.identifiers
        if let items = settings.items, items.path == path { candidates.insert(items.key, at: 0) }
        return candidates.first { name in [before, after].allSatisfy { Self.keyed($0, by: name).count == $0.count } }
    }

    /// Objects by a member that is text or a number; those without one, and second ones, are left out.
    static func keyed(_ elements: [JSONTree], by name: String) -> [JSONTree: JSONTree] {
        var keyed: [JSONTree: JSONTree] = [:]
        for element in elements {
            switch element[name] {
            case let key?:
                if case .string = key { keyed[key] = element } else if case .number = key { keyed[key] = element }
            case nil: break
            }
        }
        return keyed
    }

    private static func counted(_ elements: [JSONTree]) -> [JSONTree: Int] {
        elements.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    // MARK: Looks

    private func look(_ before: JSONTree?, _ after: JSONTree?) -> BodyDifferences.Look {
        guard let before, let after else { return .other }
        if let old = WrittenTime(before), let new = WrittenTime(after) {
            // In step with the clock, whichever zone it is written in and however wrong that clock is.
            let slack = 2 + Double(max(old.resolution, new.resolution)) / 1e6
            let moved = Double(new.microseconds - old.microseconds) / 1e6
            let away = abs(Double(new.microseconds - at.microseconds) / 1e6)
            return abs(moved - elapsed) <= slack && away <= 86_400 ? .clock : .other
        }
        if case .string(let old) = before, case .string(let new) = after, Self.isOpaque(old), Self.isOpaque(new) {
            return .identifier
        }
        return .other
    }

    /// At least 16 letters, digits and signs of encodings, some of each.
    private static func isOpaque(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (16...512).contains(bytes.count) else { return false }
        let isEncoded = bytes.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2F, 0x3D, 0x5F: true
            default: false
            }
        }
        return isEncoded && bytes.count(where: { (0x30...0x39).contains($0) }) >= 3
    }
}
