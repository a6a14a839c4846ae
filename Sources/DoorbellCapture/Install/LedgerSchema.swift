/// What polling and push cost and gave, as SQL: the ledger of all nodes.
///
/// - `doorbell.ledger` has a row for each interval, feature, cohort and path that counted anything: each node writes its own once a minute.
///   Old ones are rolled up, of all nodes together, so that a feature takes some thousand rows a month.
/// - `doorbell.ledger_usage` has what the processes and the database used meanwhile.
///
/// Nothing of it is needed to deliver changes. `buckets` and `counts` are the staleness: bucket *i* of 64 for each power of two microseconds
/// (HdrHistogram's) and how many changes are in it.
enum LedgerSchema {
    /// Advisory lock key: held while old rows are rolled up.
    static let rollUpLock: Int64 = 0x446F_6F72_6265_6C04

    /// Rows of intervals become longer ones when they are older than this: seconds of the interval, and of the age.
    static let levels: [(seconds: Int, age: Int64)] = [(600, 2 * 3600), (3600, 48 * 3600)]

    static let objects = [
        """
        create table doorbell.ledger (
            node text not null,
            start timestamptz not null,
            seconds integer not null,
            feature text not null,
            cohort text not null,
            path text not null,
            requests bigint not null,
            unchanged bigint not null,
            errors bigint not null,
            bytes_up bigint not null,
            bytes_down bigint not null,
            bytes_tags_would_save bigint not null,
            origin_requests bigint not null,
            reconnects bigint not null,
            connection_seconds float8 not null,
            cpu_seconds float8 not null,
            buckets int2[] not null,
            counts bigint[] not null,
            waiting_bytes bigint not null,
            behind bigint not null,
            conflated bigint not null,
            resets bigint not null,
            closed bigint not null,
            primary key (start, node, seconds, feature, cohort, path))
        """,
        """
        create table doorbell.ledger_usage (
            node text not null,
            start timestamptz not null,
            seconds integer not null,
            service_cpu float8,
            legacy_cpu float8,
            transactions bigint,
            statements bigint,
            primary key (start, node, seconds))
        """,
    ]

    /// What version 5 added: clients that read too slowly.
    static let buffers = ["waiting_bytes", "behind", "conflated", "resets", "closed"].map {
        "alter table doorbell.ledger add column if not exists \($0) bigint not null default 0"
    }

    /// Parameters: the rows as a JSON array of objects. Written twice, they are there once.
    static let write = """
        insert into doorbell.ledger select * from json_populate_recordset(null::doorbell.ledger, $1::json)
        on conflict do nothing
        """

    static let writeUsage = """
        insert into doorbell.ledger_usage select * from json_populate_recordset(null::doorbell.ledger_usage, $1::json)
        on conflict do nothing
        """

    /// Parameters: from when on, seconds since 1970; the node whose rows are left out, and from when on; a feature or `null`.
    static let read = """
        select date_part('epoch', start)::int8, seconds, feature, cohort, path, requests, unchanged, errors, bytes_up,
            bytes_down, bytes_tags_would_save, origin_requests, reconnects, connection_seconds, cpu_seconds, buckets, counts,
            waiting_bytes, behind, conflated, resets, closed
        from doorbell.ledger
        where start >= to_timestamp($1::float8) and not (node = $2::text and start >= to_timestamp($3::float8))
            and (feature = $4::text or $4::text is null)
        """

    /// When the first row began, seconds since 1970; `null`: there is none. Parameters: as those of ``read``, without the feature.
    static let first = """
        select date_part('epoch', least(
            (select min(start) from doorbell.ledger
                where start >= to_timestamp($1::float8)
                    and not (node = $2::text and start >= to_timestamp($3::float8))),
            (select min(start) from doorbell.ledger_usage
                where start >= to_timestamp($1::float8)
                    and not (node = $2::text and start >= to_timestamp($3::float8)))))::int8
        """

    /// Parameters: as those of ``read``, without the feature. What all nodes see of the database is one database.
    static let readUsage = """
        select date_part('epoch', start)::int8, seconds, sum(service_cpu), sum(legacy_cpu), max(transactions),
            max(statements)
        from doorbell.ledger_usage
        where start >= to_timestamp($1::float8) and not (node = $2::text and start >= to_timestamp($3::float8))
        group by start, seconds
        """

    /// Whether this session rolls up. Parameters: ``rollUpLock``.
    static let lock = "select pg_try_advisory_xact_lock($1::int8)"

    /// Makes intervals of `$1` seconds of the shorter ones that began before `$2`, of all nodes together. They are told apart from others
    /// of the same time, which come later, by the transaction that made them.
    static let rollUp = """
        with old as (
            delete from doorbell.ledger where seconds < $1::int4 and start < to_timestamp($2::float8) returning *
        ), aligned as (
            select to_timestamp(floor(date_part('epoch', start) / $1::int4) * $1::int4) as begin, * from old
        ), sums as (
            select begin, feature, cohort, path, sum(requests) as requests, sum(unchanged) as unchanged,
                sum(errors) as errors, sum(bytes_up) as bytes_up, sum(bytes_down) as bytes_down,
                sum(bytes_tags_would_save) as saved, sum(origin_requests) as origin_requests,
                sum(reconnects) as reconnects, sum(connection_seconds) as connection_seconds,
                sum(cpu_seconds) as cpu_seconds, max(waiting_bytes) as waiting_bytes, sum(behind) as behind,
                sum(conflated) as conflated, sum(resets) as resets, sum(closed) as closed
            from aligned group by begin, feature, cohort, path
        ), buckets as (
            select begin, feature, cohort, path, bucket, sum(count) as count
            from aligned, unnest(buckets, counts) as b(bucket, count)
            group by begin, feature, cohort, path, bucket
        ), staleness as (
            select begin, feature, cohort, path, array_agg(bucket order by bucket) as buckets,
                array_agg(count::int8 order by bucket) as counts
            from buckets group by begin, feature, cohort, path
        )
        insert into doorbell.ledger
        select 'rolled up ' || pg_current_xact_id()::text, begin, $1::int4, feature, cohort, path, requests, unchanged,
            errors, bytes_up, bytes_down, saved, origin_requests, reconnects, connection_seconds, cpu_seconds,
            coalesce(buckets, '{}'), coalesce(counts, '{}'), waiting_bytes, behind, conflated, resets, closed
        from sums left join staleness using (begin, feature, cohort, path)
        """

    static let rollUpUsage = """
        with old as (
            delete from doorbell.ledger_usage where seconds < $1::int4 and start < to_timestamp($2::float8) returning *
        ), once as (
            select start, seconds, sum(service_cpu) as service_cpu, sum(legacy_cpu) as legacy_cpu,
                max(transactions) as transactions, max(statements) as statements
            from old group by start, seconds
        )
        insert into doorbell.ledger_usage
        select 'rolled up ' || pg_current_xact_id()::text,
            to_timestamp(floor(date_part('epoch', start) / $1::int4) * $1::int4) as begin, $1::int4,
            sum(service_cpu), sum(legacy_cpu), sum(transactions), sum(statements)
        from once group by begin
        """

    /// Parameters: the moment before which everything goes.
    static let prune = "delete from doorbell.ledger where start < to_timestamp($1::float8)"
    static let pruneUsage = "delete from doorbell.ledger_usage where start < to_timestamp($1::float8)"

    /// Of the whole database. Columns: transactions.
    static let transactions = """
        select xact_commit + xact_rollback from pg_stat_database where datname = current_database()
        """
    /// The schema that `pg_stat_statements` is in; no row where it is not.
    static let statementsSchema = """
        select n.nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'pg_stat_statements'
        """

    static func statements(in schema: String) -> String {
        """
        select sum(calls)::int8 from \(SQL.identifier(schema)).pg_stat_statements
        where dbid = (select oid from pg_database where datname = current_database())
        """
    }
}
