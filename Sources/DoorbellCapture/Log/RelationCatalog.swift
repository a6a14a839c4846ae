import DoorbellCore

/// The captured tables as the catalogue describes them now, by the number that triggers write.
///
/// Read again when a row does not look like its table, and every few seconds while rows come, because a changed type or key
/// does not show in the rows.
struct RelationCatalog {
    /// Between two readings while rows fit, and at least between two readings when they do not.
    static let refreshInterval: Duration = .seconds(5)
    static let mismatchInterval: Duration = .milliseconds(200)

    private(set) var relations: [Int32: Relation] = [:]
    /// Those that are installed and have a trigger that fires.
    private var watched: Set<Int32> = []
    private(set) var readAt: ContinuousClock.Instant?

    subscript(id: Int32) -> Relation? { relations[id] }

    func captures(_ name: QualifiedName) -> Bool {
        relations.values.contains { $0.name == name && !$0.columns.isEmpty && watched.contains($0.id) }
    }

    func isStale(now: ContinuousClock.Instant) -> Bool {
        readAt.map { now - $0 >= Self.refreshInterval } ?? true
    }

    /// Whether a row that does not fit `relation` is reason to read the catalogue again.
    func mayReread(now: ContinuousClock.Instant) -> Bool {
        readAt.map { now - $0 >= Self.mismatchInterval } ?? true
    }

    /// Another try after the usual time.
    mutating func postpone(now: ContinuousClock.Instant) { readAt = now }

    /// What ``read(from:now:)`` needs prepared: planning takes longer than reading.
    static func prepare(on connection: PGConnection) throws(PGError) {
        try connection.prepare("columns", columnsQuery)
        try connection.prepare("keys", keyQuery(of: "(select relid from doorbell.tables)"))
    }

    mutating func read(from connection: PGConnection, now: ContinuousClock.Instant) throws(PGError) {
        let columns = try connection.execute("columns")
        let keys = try connection.execute("keys")
        var keyColumns: [UInt32: [String]] = [:]
        for row in 0..<keys.count {
            guard let relid: UInt32 = keys.integer(row, 0), let name = keys.text(row, 1) else { continue }
            keyColumns[relid, default: []].append(name)
        }
        var tables: [Int32: (relid: UInt32, name: QualifiedName, columns: [(name: String, kind: Relation.ColumnKind)])]
        tables = [:]
        watched = []
        for row in 0..<columns.count {
            guard let id: Int32 = columns.integer(row, 0), let relid: UInt32 = columns.integer(row, 1) else { continue }
            let name = QualifiedName(schema: columns.text(row, 2) ?? "", name: columns.text(row, 3) ?? "")
            if columns.boolean(row, 6) { watched.insert(id) }
            var table = tables[id] ?? (relid, name, [])
            if let column = columns.text(row, 4) {
                let kind: Relation.ColumnKind =
                    switch columns.text(row, 5) {
                    case "bytes": .bytes
                    case "array": .bytesArray
                    default: .plain
                    }
                table.columns.append((column, kind))
            }
            tables[id] = table
        }
        relations = [:]
        for (id, table) in tables {
            relations[id] = Relation(
                id: id, name: table.name, key: keyColumns[table.relid] ?? [], columns: table.columns)
        }
        readAt = now
    }

    /// For the installer: the key columns of one table.
    static func key(of relid: UInt32, on preflight: Preflight) throws(DoorbellError) -> [String] {
        let found = try preflight.query(keyQuery(of: "(select $1::oid as relid)"), [String(relid)])
        return (0..<found.count).compactMap { found.text($0, 1) }
    }

    /// One that is disabled anywhere, on a single partition too, leaves changes unseen: all triggers of a table have its number as their argument.
    private static let firing = """
        w.mode operator(pg_catalog.<>) '\(OutboxSchema.forgotten)' and exists (
            select from pg_catalog.pg_trigger g join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) g.tgfoid
            where g.tgrelid operator(pg_catalog.=) w.relid and g.tgenabled operator(pg_catalog.<>) 'D'
                and p.pronamespace operator(pg_catalog.=) 'doorbell'::regnamespace
                and g.tgtype operator(pg_catalog.&) 28 operator(pg_catalog.<>) 0)
            and (w.id::text operator(pg_catalog.||) '\\000') operator(pg_catalog.<>) all (array(
                select pg_catalog.encode(g.tgargs, 'escape')
                from pg_catalog.pg_trigger g join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) g.tgfoid
                where g.tgenabled operator(pg_catalog.=) 'D' and p.pronamespace operator(pg_catalog.=) 'doorbell'::regnamespace
                    and g.tgtype operator(pg_catalog.&) 28 operator(pg_catalog.<>) 0))
        """

    /// The number of tables with a trigger of ours, for rows, that fires.
    static let watchedQuery = "select count(*) from doorbell.tables w where \(firing)"

    /// A table that was dropped keeps its row in `doorbell.tables` and has no columns. Domains are followed to their base.
    private static let columnsQuery = """
        with recursive base(oid, base) as (
            select oid, oid from pg_catalog.pg_type where typtype operator(pg_catalog.<>) 'd'
            union all
            select t.oid, b.base from pg_catalog.pg_type t join base b on t.typbasetype operator(pg_catalog.=) b.oid
            where t.typtype operator(pg_catalog.=) 'd'),
        watched as materialized (select w.*, \(firing) as fires from doorbell.tables w)
        select w.id, w.relid, coalesce(n.nspname, w.schema_name), coalesce(c.relname, w.table_name), a.attname,
            case when b.base operator(pg_catalog.=) 'pg_catalog.bytea'::regtype then 'bytes'
                when e.base operator(pg_catalog.=) 'pg_catalog.bytea'::regtype
                    and t.typcategory operator(pg_catalog.=) 'A' then 'array'
                else 'plain' end, w.fires
        from watched w
        left join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) w.relid
        left join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
        left join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) c.oid
            and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
        left join base b on b.oid operator(pg_catalog.=) a.atttypid
        left join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) b.base
        left join base e on e.oid operator(pg_catalog.=) t.typelem
        order by w.id, a.attnum
        """

    /// The primary key, else the replica identity index, else the first unique index whose columns are all NOT NULL.
    static func keyQuery(of relids: String) -> String {
        """
        with candidate as (
            select distinct on (w.relid) w.relid, i.indkey::int2[] as keys, i.indnkeyatts as count
            from \(relids) w
            join pg_catalog.pg_index i on i.indrelid operator(pg_catalog.=) w.relid
            where i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
                and not exists (
                    select from pg_catalog.pg_attribute a
                    where a.attrelid operator(pg_catalog.=) w.relid and not a.attnotnull
                        and a.attnum operator(pg_catalog.=) any ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
            order by w.relid, i.indisprimary desc, i.indisreplident desc, i.indexrelid)
        select c.relid, a.attname
        from candidate c cross join lateral pg_catalog.generate_series(0, c.count - 1) position
        join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) c.relid
            and a.attnum operator(pg_catalog.=) c.keys[position]
        order by c.relid, position
        """
    }
}
