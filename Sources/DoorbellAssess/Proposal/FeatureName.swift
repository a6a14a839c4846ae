internal import DoorbellCore

/// Names of features, by the last words of their routes. Pure.
enum FeatureName {
    static func unused(_ route: String, _ names: inout Set<String>) -> String {
        let halves = route.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        // A parameter that chooses rows says nothing of what they are.
        let query = halves.dropFirst().flatMap { $0.split(separator: "&") }.filter { !$0.contains("{") }
        let words = (halves.prefix(1) + query).flatMap { part in
            part.split(whereSeparator: { "/=.".contains($0) }).filter { !$0.hasPrefix("{") }
        }.map { word in
            String(
                (PercentEncoding.decode(word.utf8) ?? String(word)).lowercased().map {
                    $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-"
                })
        }
        // Neither '-' nor '7' nor what YAML takes for something else.
        var candidate = words.last.map { $0.contains(where: \.isLetter) ? $0 : "poll" + $0 } ?? "poll"
        var used = 1
        while used < words.count, names.contains(candidate) {
            used += 1
            candidate = words.suffix(used).joined(separator: "-")
        }
        candidate = String(candidate.drop { $0 == "-" }.prefix(50))
        if ["true", "false", "null", "yes", "no", "on", "off"].contains(candidate) { candidate = "poll-" + candidate }
        let base = candidate
        var number = 2
        while !names.insert(candidate).inserted {
            candidate = "\(base)-\(number)"
            number += 1
        }
        return candidate
    }
}
