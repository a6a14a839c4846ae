public import DoorbellCore

/// When which table was changed: from a file, or from an outbox. Bounded by ``ChangeLine/limit`` and ``maximumTables``.
public struct TableChanges: Sendable {
    /// Those that changed most often are kept.
    static let maximumTables = 200

    let tables: [QualifiedName]
    /// Milliseconds since 1970, ascending, of each table.
    let times: [[Int64]]

    /// - Parameter changes: Times in milliseconds since 1970.
    public init(_ changes: [(table: QualifiedName, time: Int64)]) {
        var all: [QualifiedName: [Int64]] = [:]
        for change in changes { all[change.table, default: []].append(change.time) }
        let kept = all.sorted { ($0.value.count, $1.key.description) > ($1.value.count, $0.key.description) }
            .prefix(Self.maximumTables)
        tables = kept.map(\.key)
        times = kept.map { $0.value.sorted() }
    }

    /// Reads lines of a time and a table's name, `2026-05-28T20:26:40Z,public.orders`.
    ///
    /// - Throws: ``DoorbellError`` when the file cannot be read, or with the number of the line that is none.
    public init(file path: String) throws(DoorbellError) {
        try self.init(ChangeLine.bytes(of: path), name: path)
    }

    init(_ text: [UInt8], name: String) throws(DoorbellError) {
        var changes: [(QualifiedName, Int64)] = []
        try ChangeLine.read(text, name: name, example: "public.orders") { number, time, subject throws(DoorbellError) in
            let subject = String(decoding: subject, as: UTF8.self)
            guard !subject.hasPrefix("/"), let table = QualifiedName(subject) else {
                throw DoorbellError(
                    .usage, "\(name):\(number): what changed must be the name of a table, 'public.orders'")
            }
            changes.append((table, time))
        }
        self.init(changes)
    }

    public var isEmpty: Bool { tables.isEmpty }

    /// What keeps them from saying anything of answers that were logged from `begin` to `end`; a sentence each.
    public func remarks(_ database: DatabaseDescription, begin: Timestamp, end: Timestamp) -> [String] {
        let known = Set(database.tables.map(\.name))
        let unknown = tables.filter { !known.contains($0) }.map(\.description).sorted()
        var remarks: [String] = []
        if !unknown.isEmpty {
            let more = unknown.count > 5 ? " and \(unknown.count - 5) more" : ""
            remarks.append(
                "tables that are said to have changed and are not in the database: "
                    + unknown.prefix(5).joined(separator: ", ") + more)
        }
        if let span, span.lowerBound > end.milliseconds || span.upperBound < begin.milliseconds {
            let (first, last) = (
                Timestamp(microseconds: span.lowerBound * 1000), Timestamp(microseconds: span.upperBound * 1000)
            )
            remarks.append(
                "the changes that are known, of \(first.rfc3339) to \(last.rfc3339), are none of the time of the logs: nothing was compared"
            )
        }
        return remarks
    }

    /// The earliest and the latest moment.
    var span: ClosedRange<Int64>? {
        guard let first = times.compactMap(\.first).min(), let last = times.compactMap(\.last).max() else { return nil }
        return first...last
    }
}
