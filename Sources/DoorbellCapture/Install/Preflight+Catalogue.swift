import DoorbellCore

/// What is in the database now.
extension Preflight {
    func query(_ sql: String, _ values: [String?]) throws(DoorbellError) -> PGResult {
        do {
            return try connection.query(sql, values)
        } catch {
            // The schema may be there and closed to us.
            if error.sqlState == "42501", error.message.contains("doorbell") {
                throw DoorbellError(
                    .permission, "the connecting user may not use schema doorbell in \(connection.place)",
                    hint: "As an administrator: GRANT doorbell TO your_user;")
            }
            throw Self.explain(error)
        }
    }

    func exists(_ sql: String, _ values: [String?]) throws(DoorbellError) -> Bool {
        try query(sql, values).count > 0
    }

    /// The first field of each row.
    func column(_ sql: String, _ values: [String?]) throws(DoorbellError) -> [String] {
        let result = try query(sql, values)
        return (0..<result.count).compactMap { result.text($0, 0) }
    }

    func user() throws(DoorbellError) -> String { try column("select current_user", []).first ?? "" }

    /// The version of the schema; `nil` when there is none.
    func installedVersion() throws(DoorbellError) -> Int? {
        guard try exists("select from pg_catalog.pg_namespace where nspname operator(pg_catalog.=) 'doorbell'", [])
        else {
            return nil
        }
        guard
            try exists(
                """
                select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
                where n.nspname operator(pg_catalog.=) 'doorbell' and c.relname operator(pg_catalog.=) 'meta'
                """, [])
        else {
            throw DoorbellError(
                .unsupported, "\(connection.place) has a schema 'doorbell' that is not Doorbell's",
                hint: "Rename it: Doorbell needs that name for itself.")
        }
        return try column("select version from doorbell.meta", []).first.flatMap { Int($0) } ?? 0
    }

    /// The role that owns the schema.
    func owner() throws(DoorbellError) -> String? {
        try column(
            """
            select r.rolname from pg_catalog.pg_namespace n
            join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) n.nspowner
            where n.nspname operator(pg_catalog.=) 'doorbell'
            """, []
        ).first
    }

    func table(_ name: QualifiedName) throws(DoorbellError) -> (relid: UInt32, kind: String) {
        let found = try query(
            """
            select c.oid, c.relkind, c.relpersistence from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
            where n.nspname operator(pg_catalog.=) $1 and c.relname operator(pg_catalog.=) $2
            """, [name.schema, name.name])
        guard let relid: UInt32 = found.integer(0, 0), let kind = found.text(0, 1) else {
            let alike = try column(
                """
                select n.nspname || '.' || c.relname from pg_catalog.pg_class c
                join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
                where c.relkind in ('r', 'p') and pg_catalog.lower(c.relname) operator(pg_catalog.=) pg_catalog.lower($1)
                """, [name.name])
            throw DoorbellError(
                .configuration, "there is no table \(name) in \(connection.place)",
                hint: alike.first.map { "There is \($0)." } ?? "Check schema and name; capitals matter.")
        }
        guard kind == "r" || kind == "p", found.text(0, 2) != "t" else {
            throw DoorbellError(
                .configuration, "\(name) in \(connection.place) is not a table",
                hint: "Only ordinary and partitioned tables can be captured; name the tables behind a view.")
        }
        return (relid, kind)
    }

    /// Partitions and inheriting tables of all levels, by quoted name.
    func descendants(of relid: UInt32) throws(DoorbellError) -> [(name: String, kind: String)] {
        let found = try query(
            """
            with recursive family(relid) as (
                select inhrelid from pg_catalog.pg_inherits where inhparent operator(pg_catalog.=) $1::oid
                union
                select i.inhrelid from pg_catalog.pg_inherits i
                join family f on i.inhparent operator(pg_catalog.=) f.relid)
            select n.nspname, c.relname, c.relkind from family f
            join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) f.relid
            join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
            order by 1, 2
            """, [String(relid)])
        return (0..<found.count).map { row in
            let name = SQL.identifier(found.text(row, 0) ?? "") + "." + SQL.identifier(found.text(row, 1) ?? "")
            return (name, found.text(row, 2) ?? "r")
        }
    }

    /// `doorbell.tables` by oid. `mode`: `nil` for a table that is captured no more and keeps its number.
    func numberedTables() throws(DoorbellError) -> [UInt32: (id: Int32, name: QualifiedName, mode: CaptureMode?)] {
        let found = try query("select relid, id, schema_name, table_name, mode from doorbell.tables", [])
        var tables: [UInt32: (id: Int32, name: QualifiedName, mode: CaptureMode?)] = [:]
        for row in 0..<found.count {
            guard let relid: UInt32 = found.integer(row, 0), let id: Int32 = found.integer(row, 1) else { continue }
            let name = QualifiedName(schema: found.text(row, 2) ?? "", name: found.text(row, 3) ?? "")
            tables[relid] = (id, name, CaptureMode(rawValue: found.text(row, 4) ?? ""))
        }
        return tables
    }

    /// Our triggers that write `id`: quoted table, trigger, whether it is a partition's copy, whether it fires always.
    func triggers(
        id: Int32
    ) throws(DoorbellError) -> [(table: String, trigger: String, cloned: Bool, enabled: Bool)] {
        let found = try query(
            """
            select n.nspname, c.relname, t.tgname, coalesce((pg_catalog.to_jsonb(t) ->> 'tgparentid')::oid, 0) <> 0,
                t.tgenabled <> 'D'
            from pg_catalog.pg_trigger t
            join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) t.tgrelid
            join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
            join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) t.tgfoid
            join pg_catalog.pg_namespace pn on pn.oid operator(pg_catalog.=) p.pronamespace
            where pn.nspname operator(pg_catalog.=) 'doorbell'
                and pg_catalog.encode(t.tgargs, 'escape') operator(pg_catalog.=) $1
            order by 1, 2, 3
            """, ["\(id)\\000"])
        return (0..<found.count).map { row in
            let table = SQL.identifier(found.text(row, 0) ?? "") + "." + SQL.identifier(found.text(row, 1) ?? "")
            return (table, found.text(row, 2) ?? "", found.boolean(row, 3), found.boolean(row, 4))
        }
    }
}
