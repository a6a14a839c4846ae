public import DoorbellCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Describes a database for `doorbell init`. Looks at the catalogue and at the statistics only, which every user may read, never at rows, and changes
/// nothing.
///
/// Blocks while it talks to the database.
public struct DatabaseInventory {
    /// Tables that are described, those that are written most first.
    public static let maximumTables = 10_000
    /// Moments of changes that are read from an outbox, the newest first.
    public static let maximumChanges = 1_000_000

    private let preflight: Preflight

    /// Connects, and refuses servers that are too old.
    public init(conninfo: String) throws(DoorbellError) { preflight = try Preflight(conninfo: conninfo) }

    /// - Parameters:
    ///   - sample: How long writes are counted when the statistics do not say since when they are; zero: not at all.
    ///   - sampling: Told before they are counted.
    public func describe(
        sample: Duration = .seconds(2), sampling: (Duration) -> Void = { _ in }
    ) throws(DoorbellError) -> DatabaseDescription {
        var (tables, omitted) = try readTables()
        try readPartitions(&tables)
        try readColumns(&tables)
        try readKeys(&tables)
        try readReferences(&tables)
        try readSources(&tables)
        let countedFor = try readRates(&tables, sample: sample, sampling: sampling)
        let ordered = tables.values.sorted {
            ($0.description.writes, $1.description.name.description)
                > ($1.description.writes, $0.description.name.description)
        }
        var database = DatabaseDescription(place: preflight.connection.place, tables: ordered.map(\.description))
        database.omitted = omitted
        database.countedFor = countedFor
        database.remarks = try remarks()
        return database
    }

    /// When which table was changed, in milliseconds since 1970, as far as an outbox goes back. Empty without one, or without the right to read it.
    public func recordedChanges() throws(DoorbellError) -> [(table: QualifiedName, time: Int64)] {
        // One after the other: without the right to the schema, a table in it may not even be looked up.
        let rights = [
            "has_schema_privilege(to_regnamespace('doorbell'), 'usage')",
            "has_table_privilege(to_regclass('doorbell.outbox'), 'select')",
            "has_table_privilege(to_regclass('doorbell.tables'), 'select')",
        ]
        for right in rights where try !preflight.exists("select where \(right)", []) { return [] }
        let found = try preflight.query(
            """
            select t.schema_name, t.table_name, (date_part('epoch', o.at) * 1000)::int8
            from doorbell.outbox o join doorbell.tables t on t.id = o.relation
            order by o.at desc limit \(Self.maximumChanges)
            """, [])
        return (0..<found.count).compactMap { row in
            guard let schema = found.text(row, 0), let name = found.text(row, 1),
                let time: Int64 = found.integer(row, 2)
            else { return nil }
            return (QualifiedName(schema: schema, name: name), time)
        }
    }

    // MARK: Reading

    /// What keeps Doorbell from working with this database, though it can be described: a standby, a pooler. A standby has no LISTEN to try.
    private func remarks() throws(DoorbellError) -> [String] {
        do throws(DoorbellError) {
            try preflight.checkServer()
            try preflight.checkDirectConnection()
            return []
        } catch  where error.code == .unsupported {
            return ["\(error.message). \(error.hint ?? "")"]
        } catch {
            throw error
        }
    }

    private struct Found {
        let relid: UInt32
        var description: TableDescription
    }

    /// Whatever somebody made: not PostgreSQL's own, not an extension's, not ours, no partition, nothing temporary.
    private func readTables() throws(DoorbellError) -> ([UInt32: Found], omitted: Int) {
        let found = try preflight.query(
            """
            select c.oid, n.nspname, c.relname, c.relkind,
                case when c.reltuples >= 0 then c.reltuples else coalesce(s.n_live_tup, 0) end::int8,
                coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0)::int8 as writes,
                has_table_privilege(c.oid, 'trigger'), count(*) over ()
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            left join pg_stat_user_tables s on s.relid = c.oid
            where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't' and not c.relispartition
                and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'doorbell')
                and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                    and d.deptype = 'e')
            order by writes desc, 2, 3 limit \(Self.maximumTables)
            """, [])
        var tables: [UInt32: Found] = [:]
        for row in 0..<found.count {
            guard let relid: UInt32 = found.integer(row, 0) else { continue }
            let kind: TableDescription.Kind =
                switch found.text(row, 3) {
                case "p": .partitioned
                case "v": .view
                case "m": .materialized
                case "f": .foreign
                default: .table
                }
            var table = TableDescription(
                QualifiedName(schema: found.text(row, 1) ?? "", name: found.text(row, 2) ?? ""), kind: kind)
            table.rows = found.integer(row, 4) ?? 0
            table.writes = found.integer(row, 5) ?? 0
            table.mayTrigger = found.boolean(row, 6)
            tables[relid] = Found(relid: relid, description: table)
        }
        let total: Int = found.integer(0, 7) ?? 0
        return (tables, total - tables.count)
    }

    /// A partitioned table has no rows itself; one that is a partition counts those below it.
    private func readPartitions(_ tables: inout [UInt32: Found]) throws(DoorbellError) {
        let found = try preflight.query(
            """
            with recursive family(root, relid) as (
                select inhparent, inhrelid from pg_inherits i join pg_class c on c.oid = i.inhparent
                    where c.relkind = 'p' and not c.relispartition
                union
                select f.root, i.inhrelid from pg_inherits i join family f on i.inhparent = f.relid)
            select f.root, count(*),
                coalesce(sum(case when c.reltuples >= 0 then c.reltuples else s.n_live_tup end)
                    filter (where c.relkind <> 'p'), 0)::int8,
                coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0)::int8
            from family f join pg_class c on c.oid = f.relid left join pg_stat_user_tables s on s.relid = f.relid
            group by 1
            """, [])
        for row in 0..<found.count {
            guard let root: UInt32 = found.integer(row, 0) else { continue }
            tables[root]?.description.partitions = found.integer(row, 1) ?? 0
            tables[root]?.description.rows = found.integer(row, 2) ?? 0
            tables[root]?.description.writes = found.integer(row, 3) ?? 0
        }
    }

    private static func array(_ tables: [UInt32: Found]) -> String { SQL.array(tables.keys.map { String($0) }) }

    private func readColumns(_ tables: inout [UInt32: Found]) throws(DoorbellError) {
        let found = try preflight.query(
            """
            select attrelid, attname, format_type(atttypid, atttypmod) from pg_attribute
            where attrelid = any ($1::oid[]) and attnum > 0 and not attisdropped order by attrelid, attnum
            """, [Self.array(tables)])
        for row in 0..<found.count {
            guard let relid: UInt32 = found.integer(row, 0), let name = found.text(row, 1) else { continue }
            tables[relid]?.description.columns.append(.init(name, found.text(row, 2) ?? ""))
        }
    }

    private func readKeys(_ tables: inout [UInt32: Found]) throws(DoorbellError) {
        let found = try preflight.query(
            RelationCatalog.keyQuery(of: "(select pg_catalog.unnest($1::oid[]) as relid)"), [Self.array(tables)])
        for row in 0..<found.count {
            guard let relid: UInt32 = found.integer(row, 0), let name = found.text(row, 1) else { continue }
            tables[relid]?.description.key.append(name)
        }
    }

    private func readReferences(_ tables: inout [UInt32: Found]) throws(DoorbellError) {
        let found = try preflight.query(
            """
            select k.conrelid, k.oid, n.nspname, c.relname, a.attname, b.attname
            from pg_constraint k join pg_class c on c.oid = k.confrelid join pg_namespace n on n.oid = c.relnamespace
            cross join generate_subscripts(k.conkey, 1) i
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[i]
            join pg_attribute b on b.attrelid = k.confrelid and b.attnum = k.confkey[i]
            where k.contype = 'f' and k.conparentid = 0 and k.conrelid = any ($1::oid[])
            order by k.conrelid, k.conkey, k.oid, i
            """, [Self.array(tables)])
        var last: String?
        for row in 0..<found.count {
            guard let relid: UInt32 = found.integer(row, 0), let column = found.text(row, 4),
                let target = found.text(row, 5), var references = tables[relid]?.description.references
            else { continue }
            if found.text(row, 1) == last, !references.isEmpty {
                references[references.count - 1].columns.append(column)
                references[references.count - 1].targets.append(target)
            } else {
                let name = QualifiedName(schema: found.text(row, 2) ?? "", name: found.text(row, 3) ?? "")
                references.append(.init([column], to: name, [target]))
            }
            last = found.text(row, 1)
            tables[relid]?.description.references = references
        }
    }

    /// The tables below views, through other views, as far as materialized ones.
    private func readSources(_ tables: inout [UInt32: Found]) throws(DoorbellError) {
        guard tables.values.contains(where: \.description.isView) else { return }
        let found = try preflight.query(
            """
            with recursive reads(view, relid) as (
                select r.ev_class, d.refobjid from pg_rewrite r
                join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                    and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
                where r.ev_class = any ($1::oid[])
                union
                select a.view, d.refobjid from reads a
                join pg_class b on b.oid = a.relid and b.relkind = 'v'
                join pg_rewrite r on r.ev_class = a.relid
                join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                    and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class)
            select a.view, n.nspname, c.relname from reads a join pg_class c on c.oid = a.relid
            join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'm') order by 1, 2, 3
            """, [Self.array(tables.filter(\.value.description.isView))])
        for row in 0..<found.count {
            guard let view: UInt32 = found.integer(row, 0) else { continue }
            let name = QualifiedName(schema: found.text(row, 1) ?? "", name: found.text(row, 2) ?? "")
            tables[view]?.description.sources.append(name)
        }
    }

    /// - Returns: Seconds in which writes were counted.
    private func readRates(
        _ tables: inout [UInt32: Found], sample: Duration, sampling: (Duration) -> Void
    ) throws(DoorbellError) -> Double? {
        let age = try preflight.column(
            """
            select date_part('epoch', clock_timestamp() - stats_reset) from pg_stat_database
            where datname = current_database() and stats_reset is not null
            """, []
        ).first.flatMap { Double($0) }
        if let age, age >= 60 {
            for relid in tables.keys {
                let writes = Double(tables[relid]?.description.writes ?? 0)
                tables[relid]?.description.writesPerSecond = writes / age
            }
            return age
        }
        // Here, not in the database: a statement that says nothing for half a minute is given up, and goes on without us.
        let seconds = sample / .seconds(1)
        guard seconds > 0, tables.values.contains(where: { $0.description.writes > 0 }) else { return nil }
        sampling(sample)
        _ = usleep(useconds_t(min(seconds, 600) * 1_000_000))
        var (later, _) = try readTables()
        try readPartitions(&later)
        for relid in tables.keys {
            guard let after = later[relid]?.description.writes, let before = tables[relid]?.description.writes else {
                continue
            }
            tables[relid]?.description.writesPerSecond = Double(max(0, after - before)) / seconds
        }
        return seconds
    }
}
