internal import DoorbellCore

/// Which table a resource path is about, by names. Pure.
struct TableMatch: Equatable {
    let table: TableDescription
    /// The step of the path that the table is.
    let step: Int
    /// 0 to 100.
    let score: Int
    let reason: String

    /// Those that fit, best first. Ties go to schema `public`, then to what is written most.
    static func all(_ path: ResourcePath, _ tables: [(table: TableDescription, words: [String])]) -> [TableMatch] {
        guard let last = path.steps.indices.last else { return [] }
        var found: [TableMatch] = []
        for (table, words) in tables {
            if let match = match(path, step: last, table, words, isWhole: true) {
                found.append(match)
            } else if last > 0, let match = match(path, step: last - 1, table, words, isWhole: false) {
                found.append(match)
            }
        }
        let pathWords = Set(path.steps.flatMap(\.words))
        func rank(_ match: TableMatch) -> (Int, Int) {
            let schema = match.table.name.schema
            let isNamed = !pathWords.isDisjoint(with: Word.split(schema))
            return (match.score, isNamed ? 2 : schema == "public" ? 1 : 0)
        }
        // The order of the tables is kept where nothing else decides.
        return found.enumerated().sorted {
            let (one, other) = (rank($0.element), rank($1.element))
            return one == other ? $0.offset < $1.offset : one > other
        }.map(\.element)
    }

    /// - Parameter isWhole: Whether the step is the end of the path; otherwise the end has to be a column or an aspect of it.
    private static func match(
        _ path: ResourcePath, step: Int, _ table: TableDescription, _ words: [String], isWhole: Bool
    ) -> TableMatch? {
        let wanted = path.steps[step].words
        guard !wanted.isEmpty, !words.isEmpty else { return nil }
        let context = path.steps[..<step].flatMap(\.words)
        let parent = step > 0 ? path.steps[step - 1].words : []
        var score: Int
        var reason: String
        switch words {
        case _ where !parent.isEmpty && (words == parent + wanted || words == context + wanted):
            (score, reason) = (100, "named like the end of the path")
        case wanted:
            (score, reason) = (95, isWhole ? "named like the end of the path" : "named like the path")
        case _ where words.count > wanted.count && Array(words.suffix(wanted.count)) == wanted:
            (score, reason) = (60, "its name ends like the path")
        case _ where wanted.count > words.count && Array(wanted.suffix(words.count)) == words:
            (score, reason) = (60, "the path ends like its name")
        default: return nil
        }
        if !isWhole {
            let end = path.steps[path.steps.count - 1]
            if let column = table.columns.first(where: { Word.split($0.name) == end.words }) {
                score -= 5
                reason += ", and \(column.name) is a column of it"
            } else if path.endsWithAspect {
                score -= 40
                reason += ", of which '\(end.literal)' is a view"
            } else {
                return nil
            }
        }
        return TableMatch(table: table, step: step, score: score, reason: reason)
    }
}
