import DoorbellCapture
import DoorbellCore
import DoorbellTesting

/// A cluster with ordinary settings, and tables in the forms that are compared.
struct Workbench {
    static let settings = [
        "max_connections = 200", "shared_buffers = 256MB", "synchronous_commit = on", "max_wal_size = 4GB",
        "checkpoint_timeout = 30min", "effective_cache_size = 1GB",
    ]

    let cluster: ScratchPostgres
    let plan: BenchPlan

    /// How changes of a table are made known.
    enum Capture: String, CaseIterable {
        /// Not at all.
        case without
        /// By Doorbell, one trigger a row.
        case row
        /// By Doorbell, one trigger a statement.
        case statement
        /// `pg_notify` with the row as JSON, one trigger a row.
        case usual
    }

    /// A new database whose table `items` has ids from 1 to `rows`. Databases keep the variants apart: a NOTIFY wakes every
    /// listener of its database, whatever it listens to.
    ///
    /// - Returns: Its conninfo.
    func makeDatabase(_ capture: Capture, rows: Int) throws -> String {
        let conninfo = try cluster.makeDatabase()
        let connection = try ScratchConnection(conninfo)
        try connection.run(
            """
            create table items (
                id integer primary key, owner_id integer not null, title text not null, status text not null,
                price numeric(10, 2) not null, value bigint not null, sent bigint not null,
                updated_at timestamptz not null default now());
            insert into items
                select i, i % 1000, 'Item number ' || i, 'open', i % 1000 + 0.99, 0, 0 from generate_series(1, \(rows)) i;
            """)
        try connection.run("vacuum analyze items")
        switch capture {
        case .without: break
        case .row, .statement:
            let table = CapturedTable(
                QualifiedName(schema: "public", name: "items"), mode: capture == .row ? .row : .statement)
            _ = try Installer(conninfo: conninfo, tables: [table]).install()
        case .usual:
            try connection.run(
                """
                create function tell() returns trigger language plpgsql as $$
                    begin perform pg_notify('items', row_to_json(new)::text); return null; end $$;
                create trigger tell after update on items for each row execute function tell();
                """)
        }
        return conninfo
    }

    /// `doorbell.yaml` for such a database.
    func configuration(for conninfo: String, upstreamPort: Int = 9) -> String {
        """
        database: "\(conninfo)"
        upstream: http://127.0.0.1:\(upstreamPort)
        listen: 127.0.0.1:0
        admin: 127.0.0.1:0
        features:
          items:
            poll: GET /api/owners/{owner_id}/items
            tables:
              - name: public.items
                channel: owner:{owner_id}:items
            versions:
              1: [id, owner_id, title, value, sent, updated_at]
            stage: push
        """
    }

    /// Waits until the service has read all that was committed, and sleeps.
    func waitUntilAsleep(_ conninfo: String) async throws {
        let connection = try ScratchConnection(conninfo)
        // The service holds the bell's lock alone only while it sleeps, and only after a last look found nothing.
        let question = """
            select (select sum(rows) from doorbell.ticks) >= (select count(*) from doorbell.outbox)
                and exists (select from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted
                    and database = (select oid from pg_database where datname = current_database())
                    and objid = 1650813952)
            """
        for _ in 0..<1200 {
            if try connection.run(question).first?.first == "t" { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchFailure("the service does not come to rest")
    }
}
