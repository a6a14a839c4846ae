internal import DoorbellCore

/// Finds the column of a table that fills a hole of a polled path: by its name, by the table's key, or by a foreign key. Pure.
struct HoleFinder {
    enum Column: Equatable {
        case found(String, reason: String?)
        /// Several could be meant.
        case several([String])
        case none
    }

    let path: ResourcePath

    /// - Parameter step: The step that the table is; `nil`: none of them.
    func column(of table: TableDescription, for hole: String, at place: Int, table step: Int?) -> Column {
        let words = path.all[place].words
        let holeWords = Word.split(hole)
        func named(_ wanted: [String]) -> String? {
            guard !wanted.isEmpty else { return nil }
            return table.columns.first { Word.split($0.name) == wanted }?.name
        }
        let isOwn = place == step
        // /posts/{slug}; `{id}` of another resource is its, not ours.
        if isOwn || holeWords != ["id"], let column = named(holeWords) { return .found(column, reason: nil) }
        if isOwn {
            // /orders/{order_id}: id, which a log calls by the resource.
            if holeWords.last == "id" || holeWords == words, table.key.count == 1 {
                return .found(table.key[0], reason: "its key")
            }
            if holeWords.starts(with: words), let column = named(Array(holeWords.dropFirst(words.count))) {
                return .found(column, reason: nil)
            }
            return .none
        }
        // Nothing says what the hole is of.
        guard !words.isEmpty else { return .none }
        let references = table.references.filter { reference in
            reference.columns.count == 1
                && Word.split(reference.table.name).suffix(words.count).elementsEqual(words)
        }
        if references.count == 1 {
            return .found(
                references[0].columns[0], reason: "\(references[0].columns[0]) refers to \(references[0].table.name)")
        }
        for ending in ["id", "uuid", "key", "slug", "code", "no", "number", "name"] {
            if let column = named(words + [ending]) { return .found(column, reason: nil) }
        }
        if references.count > 1 { return .several(references.map { $0.columns[0] }) }
        return named(words).map { .found($0, reason: nil) } ?? .none
    }
}
