import DoorbellCore

/// A table that is to be captured, as the catalogue has it: which tables get which triggers.
struct CaptureTarget {
    let relid: UInt32
    let hasNoKey: Bool
    private let name: QualifiedName
    private let isPartitioned: Bool
    private let isInherited: Bool
    private let foreignTriggers: [String]
    /// Partitions and children, quoted names. Row triggers reach partitions by themselves, children do not have them;
    /// TRUNCATE triggers belong to each table alone.
    private let descendants: [(name: String, kind: String)]
    private var quoted: String { SQL.identifier(name.schema) + "." + SQL.identifier(name.name) }

    init(_ name: QualifiedName, on preflight: Preflight) throws(DoorbellError) {
        self.name = name
        let found = try preflight.table(name)
        self.relid = found.relid
        self.isPartitioned = found.kind == "p"
        self.isInherited = try preflight.exists(
            """
            select from pg_catalog.pg_inherits
            where inhrelid operator(pg_catalog.=) $1::oid or inhparent operator(pg_catalog.=) $1::oid
            """, [String(found.relid)])
        self.hasNoKey = try RelationCatalog.key(of: found.relid, on: preflight).isEmpty
        self.foreignTriggers = try preflight.column(
            """
            select tgname from pg_catalog.pg_trigger
            where tgrelid operator(pg_catalog.=) $1::oid and not tgisinternal and tgtype & 67 operator(pg_catalog.=) 1
                and tgname !~ '^!doorbell_'
            """, [String(found.relid)])
        self.descendants = try preflight.descendants(of: found.relid)
    }

    func checkStatementMode() throws(DoorbellError) {
        if isInherited || isPartitioned {
            throw DoorbellError(
                .configuration, "\(name) is partitioned or inherited: it cannot be captured in statement mode",
                hint: "Use 'capture: row' for it.")
        }
        if let trigger = foreignTriggers.first {
            throw DoorbellError(
                .configuration,
                "\(name) has an AFTER ROW trigger, '\(trigger)': it cannot be captured in statement mode",
                hint: "Use 'capture: row': writes made by that trigger would come out in the wrong order.")
        }
    }

    private func placed(mode: CaptureMode) -> [(trigger: String, table: String)] {
        var all: [(String, String)] = []
        switch mode {
        case .row:
            all.append((OutboxSchema.rowTrigger, quoted))
            if !isPartitioned { all += descendants.map { (OutboxSchema.rowTrigger, $0.name) } }
        case .statement:
            all.append((OutboxSchema.insertTrigger, quoted))
            all.append((OutboxSchema.updateTrigger, quoted))
            all.append((OutboxSchema.deleteTrigger, quoted))
        }
        all.append((OutboxSchema.truncateTrigger, quoted))
        all += descendants.filter { $0.kind != "f" }.map { (OutboxSchema.truncateTrigger, $0.name) }
        return all
    }

    /// `trigger on table` for each.
    func expectedTriggers(mode: CaptureMode) -> Set<String> {
        Set(placed(mode: mode).map { "\($0.trigger) on \($0.table)" })
    }

    func triggers(mode: CaptureMode, id: Int32, except present: Set<String>) -> [(comment: String, sql: String)] {
        var all: [(String, String)] = []
        for (trigger, table) in placed(mode: mode) where !present.contains("\(trigger) on \(table)") {
            let statements =
                switch trigger {
                case OutboxSchema.rowTrigger:
                    OutboxSchema.trigger(
                        trigger, "after insert or update or delete on \(table) for each row", on: table,
                        calling: "capture_row", id: id)
                case OutboxSchema.truncateTrigger:
                    OutboxSchema.trigger(
                        trigger, "after truncate on \(table) for each statement", on: table,
                        calling: "capture_truncate", id: id)
                default: StatementCapture.trigger(trigger, on: table, id: id)
                }
            all += statements.map { ("capture \(table)", $0) }
        }
        return all
    }
}
