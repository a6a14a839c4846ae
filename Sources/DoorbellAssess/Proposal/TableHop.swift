internal import DoorbellCore

/// How a row that does not say itself whose it is finds its channel over one other table. Pure.
///
/// `/users/{user_id}/rooms`: a room's members are in `room_members`. `/users/{user_id}/comments`: a comment's author is its post's.
struct TableHop {
    /// SQL for the channels of a row.
    let query: String
    let reason: String
    /// For a table of memberships: changes of it matter as well.
    private(set) var link: (table: TableDescription, column: String)?

    /// Values that need no encoding in a channel's name.
    private static let plainTypes: Set<String> = ["smallint", "integer", "bigint", "uuid"]

    /// `nil` when there is no such table, or more than one.
    init?(_ table: TableDescription, _ path: ResourcePath, template: ChannelTemplate, in builder: FeatureBuilder) {
        let holes = path.all.enumerated().flatMap { place, step in step.holes.map { (place, $0) } }
        guard holes.count == 1, let (place, hole) = holes.first, template.names.count == 1 else { return nil }
        let finder = HoleFinder(path: path)
        func column(of other: TableDescription) -> String? {
            guard other.kind == .table || other.kind == .partitioned, TableFacts.isNameable(other.name),
                case .found(let column, _) = finder.column(of: other, for: hole, at: place, table: nil),
                let type = other.columns.first(where: { $0.name == column })?.type, Self.plainTypes.contains(type)
            else { return nil }
            return column
        }
        var found: [(other: TableDescription, column: String, own: String, its: String, isLink: Bool)] = []
        for (other, _) in builder.tables where other.name != table.name {
            guard let column = column(of: other) else { continue }
            for reference in other.references
            where reference.table == table.name && reference.columns.count == 1 && reference.columns[0] != column {
                found.append((other, column, reference.targets[0], reference.columns[0], true))
            }
        }
        // A table whose key is both is what memberships are kept in.
        let members = found.filter { Set($0.other.key) == [$0.column, $0.its] }
        if members.count == 1 { found = members }
        if found.isEmpty {
            for reference in table.references where reference.columns.count == 1 {
                guard let other = builder.tables.first(where: { $0.table.name == reference.table })?.table,
                    let column = column(of: other)
                else { continue }
                found.append((other, column, reference.columns[0], reference.targets[0], false))
            }
        }
        guard found.count == 1, let hop = found.first,
            ![hop.column, hop.own, hop.its].joined().contains(where: { "{}".contains($0) })
        else { return nil }
        let source = template.source
        guard let open = source.firstIndex(of: "{"), let close = source.firstIndex(of: "}") else { return nil }
        let (before, after) = (String(source[..<open]), String(source[source.index(after: close)...]))
        let parts =
            (before.isEmpty ? [] : ["'\(before)'"]) + [Self.quoted(hop.column)] + (after.isEmpty ? [] : ["'\(after)'"])
        query =
            "select \(parts.joined(separator: " || ")) from \(Self.quoted(hop.other.name.schema)).\(Self.quoted(hop.other.name.name)) "
            + "where \(Self.quoted(hop.its)) = {\(hop.own)}"
        reason = "whose it is stands in \(hop.other.name)"
        if hop.isLink { link = (hop.other, hop.column) }
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
