/// Which run of which database this is: when it changes, positions handed out before may be handed out again for other rows.
struct Identity: Equatable {
    let systemIdentifier: String
    let timeline: String
    let database: String

    /// Three columns, as `doorbell.meta` keeps them.
    static let expressions = """
        (select system_identifier from pg_catalog.pg_control_system()), \
        pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8), \
        (select oid from pg_catalog.pg_database where datname operator(pg_catalog.=) current_database())
        """
}
