internal import DoorbellCore

/// A route as resources: `/api/rooms/{room_id}/messages` is `rooms` with a hole, then `messages`. Pure.
struct ResourcePath: Equatable {
    struct Step: Equatable {
        /// The segment, and its words; empty for a hole that no segment stands before.
        var literal: String
        var words: [String]
        /// The names of the holes behind it.
        var holes: [String] = []
    }

    private static let noise: Set<String> = [
        "api", "rest", "app", "ajax", "json", "rpc", "public", "internal", "service", "services", "gateway", "data",
    ]
    /// What is said of a row.
    private static let rowAspects: Set<String> = [
        "status", "state", "progress", "detail", "info", "poll", "live", "current", "update", "change",
    ]
    /// What is said of many.
    private static let listAspects: Set<String> = [
        "count", "summary", "latest", "recent", "unread", "feed", "list", "all", "new", "stat", "statistic", "badge",
        "active", "open", "total", "history", "timeline",
    ]

    private(set) var steps: [Step] = []
    /// What the query chooses by: `?user_id={id}` is a step `user_id` with a hole. No table is named like it.
    var filters: [Step] = []

    /// Whatever may have holes, in their order.
    var all: [Step] { steps + filters }

    init(_ route: String) {
        for segment in route.prefix(while: { $0 != "?" }).split(separator: "/") {
            if segment.hasPrefix("{"), segment.hasSuffix("}") {
                if steps.isEmpty { steps.append(Step(literal: "", words: [])) }
                steps[steps.count - 1].holes.append(String(segment.dropFirst().dropLast()))
                continue
            }
            var literal = PercentEncoding.decode(segment.utf8) ?? String(segment)
            if literal.hasSuffix(".json") { literal.removeLast(5) }
            if steps.isEmpty, Self.isNoise(literal.lowercased()) { continue }
            steps.append(Step(literal: literal, words: Word.split(literal)))
        }
        for pair in route.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, sides[1].hasPrefix("{"), sides[1].hasSuffix("}") else { continue }
            filters.append(
                Step(literal: "", words: Word.split(sides[0]), holes: [String(sides[1].dropFirst().dropLast())]))
        }
    }

    /// Whether all that the last step says is which part or view of the resource before it is meant: `/orders/latest`, `/orders/{id}/status`. What
    /// `/users/{id}/unread` counts is not users.
    var endsWithAspect: Bool {
        guard let last = steps.last, steps.count > 1, !last.words.isEmpty, last.holes.isEmpty else { return false }
        let isList = steps[steps.count - 2].holes.isEmpty
        return last.words.allSatisfy { Self.rowAspects.contains($0) || isList && Self.listAspects.contains($0) }
    }

    private static func isNoise(_ word: String) -> Bool {
        if noise.contains(word) { return true }
        // v1, v2.1
        return word.first == "v" && word.count > 1 && word.dropFirst().allSatisfy { $0.isNumber || $0 == "." }
    }
}
