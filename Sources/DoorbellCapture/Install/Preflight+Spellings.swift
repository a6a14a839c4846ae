public import DoorbellCore

extension Preflight {
    /// How the values that name each feature's channels are written, by the names in its templates, where all of its tables agree and
    /// PostgreSQL has one way to write them. Domains count as what they are made of. One question for all tables.
    ///
    /// - Returns: By feature; one without such names is not there.
    public func spellings(of features: [Feature]) throws(DoorbellError) -> [String: [String: Spelling]] {
        let known = try spellings(of: Set(features.flatMap(\.tables).map(\.table)))
        var spellings: [String: [String: Spelling]] = [:]
        for feature in features {
            var found: [String: Set<Spelling?>] = [:]
            for rule in feature.tables {
                guard case .template(let template) = rule.channel else { continue }
                for name in template.names { found[name, default: []].insert(known[rule.table]?[name]) }
            }
            let agreed = found.compactMapValues { $0.count == 1 ? $0.first.flatMap(\.self) : nil }
            if !agreed.isEmpty { spellings[feature.name] = agreed }
        }
        return spellings
    }

    /// By table and column.
    private func spellings(
        of tables: Set<QualifiedName>
    ) throws(DoorbellError) -> [QualifiedName: [String: Spelling]] {
        let found = try query(
            """
            select n.nspname, c.relname, a.attname, pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null)
            from unnest($1::text[], $2::text[]) asked(schema, name)
            join pg_catalog.pg_namespace n on n.nspname operator(pg_catalog.=) asked.schema
            join pg_catalog.pg_class c on c.relnamespace operator(pg_catalog.=) n.oid and c.relname operator(pg_catalog.=) asked.name
            join pg_catalog.pg_attribute a on a.attrelid operator(pg_catalog.=) c.oid
            join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) a.atttypid
            where a.attnum operator(pg_catalog.>) 0 and not a.attisdropped
            """, [SQL.array(tables.map(\.schema)), SQL.array(tables.map(\.name))])
        var spellings: [QualifiedName: [String: Spelling]] = [:]
        for row in 0..<found.count {
            guard let schema = found.text(row, 0), let name = found.text(row, 1), let column = found.text(row, 2) else {
                continue
            }
            let spelling: Spelling? =
                switch found.text(row, 3) {
                case "smallint", "integer", "bigint": .integer
                case "uuid": .uuid
                default: nil
                }
            spellings[QualifiedName(schema: schema, name: name), default: [:]][column] = spelling
        }
        return spellings
    }
}
