/// Which run of which database this is: when it changes, positions handed out before may be handed out again for other rows.
enum Identity {
    /// Milliseconds since 2024: greater than that of any log that was here before, also one that was uninstalled just now.
    static let newEpoch = """
        pg_catalog.floor((pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) - 1704067200) * 1000)::int8
        """

    /// Three columns, as `doorbell.meta` keeps them.
    static let expressions = """
        (select system_identifier from pg_catalog.pg_control_system()), \
        pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8), \
        (select oid from pg_catalog.pg_database where datname operator(pg_catalog.=) current_database())
        """
}
