public import DoorbellCore

extension Preflight {
    /// How the values that name each feature's channels are written, by the names in its templates, where all of its tables agree and
    /// PostgreSQL has one way to write them. Domains count as what they are made of.
    ///
    /// - Returns: By feature; one without such names is not there.
    public static func spellings(
        conninfo: String, features: [Feature]
    ) throws(DoorbellError) -> [String: [String: Spelling]] {
        let preflight = try Preflight(conninfo: conninfo)
        var spellings: [String: [String: Spelling]] = [:]
        for feature in features {
            var found: [String: Set<Spelling?>] = [:]
            for rule in feature.tables {
                guard case .template(let template) = rule.channel else { continue }
                let known = try preflight.spellings(of: rule.table)
                for name in template.names { found[name, default: []].insert(known[name]) }
            }
            let agreed = found.compactMapValues { $0.count == 1 ? $0.first.flatMap(\.self) : nil }
            if !agreed.isEmpty { spellings[feature.name] = agreed }
        }
        return spellings
    }

    /// By column.
    private func spellings(of table: QualifiedName) throws(DoorbellError) -> [String: Spelling] {
        let found = try query(
            """
            select a.attname, pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null)
            from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid
            join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) a.attrelid
            join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
            where n.nspname operator(pg_catalog.=) $1 and c.relname operator(pg_catalog.=) $2
                and a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
            """, [table.schema, table.name])
        var spellings: [String: Spelling] = [:]
        for row in 0..<found.count {
            guard let column = found.text(row, 0) else { continue }
            switch found.text(row, 1) {
            case "smallint", "integer", "bigint": spellings[column] = .integer
            case "uuid": spellings[column] = .uuid
            default: break
            }
        }
        return spellings
    }
}
