import DoorbellCore

/// How polling of a feature ends.
extension ConfigurationReader {
    private static let maximumBrownOuts = 1000

    /// - Parameter sendsSignals: Whether clients that are pushed to fetch by the polled URL.
    func retirement(_ feature: ConfigurationSection, sendsSignals: Bool) -> Retirement {
        guard let section = feature.section("retirement") else { return Retirement() }
        var retirement = Retirement(
            deprecated: moment("deprecated", section), sunset: moment("sunset", section), link: url("link", section),
            successor: url("successor", section), brownOuts: brownOuts(section),
            isGone: section.flag("gone", default: false))
        if let deprecated = retirement.deprecated, let sunset = retirement.sunset, sunset < deprecated {
            // RFC 9745, section 4.
            problem(section["sunset"]?.mark, "\(section.path).sunset is before \(section.path).deprecated")
        }
        if retirement.isGone, section["sunset"] == nil {
            problem(
                section["gone"]?.mark, "\(section.path).gone needs a date from which on polls are refused",
                "write 'sunset: 2030-01-01'")
        }
        if sendsSignals, retirement.isGone || !retirement.brownOuts.isEmpty {
            problem(
                section[retirement.isGone ? "gone" : "brownouts"]?.mark,
                "clients of \(feature.path) that are pushed 'signal' fetch by the polled URL, so it cannot be refused",
                "move the feature to 'mode: rows' first, or leave it out")
            retirement.isGone = false
            retirement.brownOuts = []
        }
        return retirement
    }

    private func moment(_ key: String, _ section: ConfigurationSection) -> Timestamp? {
        guard let text = section.text(key) else { return nil }
        if let moment = Timestamp(rfc3339: text) { return moment }
        problem(
            section[key]?.mark, "\(section.path).\(key) must be a date, not '\(text)'",
            "write '2030-01-01', or with a time '2030-01-01T10:00Z'")
        return nil
    }

    private func url(_ key: String, _ section: ConfigurationSection) -> String? {
        guard let text = section.text(key) else { return nil }
        // It stands between angle brackets in a header.
        let isPrintable = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3C && $0 != 0x3E && $0 != 0x22 }
        if isPrintable, ["https://", "http://", "/"].contains(where: { text.hasPrefix($0) }) { return text }
        problem(section[key]?.mark, "\(section.path).\(key) must be a URL or a path, not '\(text)'")
        return nil
    }

    private func brownOuts(_ section: ConfigurationSection) -> [Range<Timestamp>] {
        guard let elements = section.list("brownouts") else { return [] }
        guard elements.count <= Self.maximumBrownOuts else {
            problem(
                section["brownouts"]?.mark, "\(section.path).brownouts has more than \(Self.maximumBrownOuts) entries")
            return []
        }
        var windows: [(window: Range<Timestamp>, mark: YAMLTree.Mark)] = []
        for (index, tree) in elements.enumerated() {
            let path = "\(section.path).brownouts[\(index)]"
            guard let text = text(tree, path) else { continue }
            if let window = Self.window(text) {
                windows.append((window, tree.mark))
            } else {
                problem(
                    tree.mark, "\(path) must be a begin and an end or a length, not '\(text)'",
                    "write '2030-01-01T10:00Z/15m' or '2030-01-01T10:00Z/2030-01-01T10:15Z'")
            }
        }
        windows.sort { $0.window.lowerBound < $1.window.lowerBound }
        for (one, next) in zip(windows, windows.dropFirst()) where one.window.overlaps(next.window) {
            problem(next.mark, "two of \(section.path).brownouts overlap")
            return []
        }
        return windows.map(\.window)
    }

    private static func window(_ text: String) -> Range<Timestamp>? {
        let sides = text.split(separator: "/", omittingEmptySubsequences: false)
        guard sides.count == 2, let begin = Timestamp(rfc3339: String(sides[0])) else { return nil }
        if let end = Timestamp(rfc3339: String(sides[1])) { return begin < end ? begin..<end : nil }
        guard let length = Units.duration(String(sides[1])), length > .zero, length <= .days(31) else { return nil }
        return begin..<begin.advanced(by: length)
    }
}
