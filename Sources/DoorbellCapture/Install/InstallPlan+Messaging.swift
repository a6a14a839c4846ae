import DoorbellCore

extension InstallPlan {
    /// What the configuration says about direct messages.
    struct Messaging {
        var channels: [PublishedChannels] = []
        /// Roles that may call `doorbell.publish`.
        var publishers: [String] = []
    }

    mutating func planMessaging(
        _ messaging: Messaging, _ preflight: Preflight, owner: String
    ) throws(DoorbellError) {
        for publisher in messaging.publishers {
            guard
                try preflight.exists(
                    "select from pg_catalog.pg_roles where rolname operator(pg_catalog.=) $1", [publisher])
            else {
                throw DoorbellError(
                    .configuration, "there is no role \(publisher) in \(preflight.connection.place)",
                    hint: "Check capture.publishers; capitals matter.")
            }
        }
        add("become the owner", "set local role \(SQL.identifier(owner))")
        for statement in MessagingSchema.channels(messaging.channels) { add("write down the channels", statement) }
        for publisher in try preflight.publishers() where !messaging.publishers.contains(publisher) {
            for statement in MessagingSchema.revoke(from: publisher) {
                add("keep \(publisher) from publishing", statement)
            }
        }
        for publisher in messaging.publishers where publisher != owner {
            for statement in MessagingSchema.grant(to: publisher) { add("let \(publisher) publish", statement) }
        }
        add("be ourselves again", "reset role")
    }
}

extension Preflight {
    /// Roles besides the owner that may call `doorbell.publish` now. None before it is there.
    func publishers() throws(DoorbellError) -> [String] {
        try column(
            """
            select distinct r.rolname from pg_catalog.pg_proc p
            join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
            cross join lateral pg_catalog.aclexplode(p.proacl) a
            join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) a.grantee
            where n.nspname operator(pg_catalog.=) 'doorbell' and p.proname operator(pg_catalog.=) 'publish'
                and a.grantee operator(pg_catalog.<>) p.proowner
            order by 1
            """, [])
    }

    /// Whether `doorbell.publish` knows exactly these channels.
    func knows(_ channels: [PublishedChannels]) throws(DoorbellError) -> Bool {
        Set(try column("select pattern from doorbell.channels", [])) == Set(channels.map(\.template.pattern))
    }
}
