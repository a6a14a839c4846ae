import DoorbellCore
import DoorbellTestSupport
import DoorbellTesting
import Foundation
import Testing

/// Faults of a configuration or a database that push would have, found by comparing polls; and answers that only look like it.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ParityTests {
    static let cluster = Result { try ScratchPostgres() }

    private static let schema = """
        create table orders (id int primary key, state text);
        create table order_lines (id int primary key, order_id int, price numeric);
        create table notes (id int primary key, body text);
        create table attachments (id int primary key, note_id int, name text);
        create table inbox (id int primary key, user_id int, body text);
        create table alarms (id int primary key, level int);
        create table clocks (id int primary key, n int);
        create table members (id int primary key, name text);
        create table rows (id int primary key, name text, hidden int);
        insert into orders values (1, 'new');
        insert into clocks values (1, 0);
        insert into members select i, 'm' || i from generate_series(1, 6) i;
        insert into rows values (1, 'a', 0);
        """

    private static let queries = [
        "/orders/1": """
        select json_build_object('id', id, 'state', state,
          'total', (select coalesce(sum(price), 0) from order_lines where order_id = 1)) from orders where id = 1
        """,
        "/notes": """
        select json_build_object(
          'notes', (select coalesce(json_agg(n order by id), '[]') from notes n),
          'attachments', (select coalesce(json_agg(a order by id), '[]') from attachments a))
        """,
        "/users/7/inbox": "select coalesce(json_agg(i order by id), '[]') from inbox i where user_id = 7",
        "/alarms": "select coalesce(json_agg(a order by id), '[]') from alarms a",
        "/clock": """
        select json_build_object('serverTime', clock_timestamp(), 'unix', (extract(epoch from clock_timestamp()))::int,
          'requestId', gen_random_uuid(), 'n', n) from clocks where id = 1
        """,
        "/members": "select json_build_object('members', json_agg(m order by random())) from members m",
        "/rows": """
        select json_build_object('items', json_agg(json_build_object('id', id, 'name', name, 'lines',
          (select count(*) from order_lines)) order by id)) from rows
        """,
    ]

    private static let features = """
        features:
          orders:                          # its total depends on order_lines
            poll: GET /orders/{id}
            tables: [{ name: orders, channel: 'orders:{id}' }]
            stage: shadow
          notes:                           # attachments are forgotten
            poll: GET /notes
            tables: [{ name: notes, channel: notes }]
            stage: shadow
          inbox:                           # the channel has the row's own id in the place of the user's
            poll: GET /users/{user_id}/inbox
            channel: user:{user_id}:inbox
            tables: [{ name: inbox, channel: 'user:{id}:inbox' }]
            stage: shadow
          alarms:                          # its trigger is disabled later on
            poll: GET /alarms
            tables: [{ name: alarms, channel: alarms }]
            stage: shadow
          clock:
            poll: GET /clock
            tables: [{ name: clocks, channel: clock }]
            stage: shadow
          members:
            poll: GET /members
            tables: [{ name: members, channel: members }]
            stage: shadow
          rows:
            poll: GET /rows
            tables: [{ name: rows, channel: rows }]
            parity: { items: { path: $.items, key: id } }
            stage: shadow
          observed:
            poll: GET /observed
            tables: [{ name: rows, channel: observed }]
        """

    private let database: ScratchConnection
    private let doorbell: DoorbellProcess
    private let legacy: LegacyDatabase

    init() async throws {
        let conninfo = try Self.cluster.get().makeDatabase()
        database = try ScratchConnection(conninfo)
        try database.run(Self.schema)
        legacy = try await LegacyDatabase(conninfo, queries: Self.queries)
        doorbell = try DoorbellProcess(
            configuration: "database: \(conninfo)\nupstream: \(legacy.url)\n" + Self.features)
        let installed = try doorbell.command("install")
        #expect(installed.status == 0, "\(installed.error)")
        try doorbell.serve()
        try await doorbell.untilReady()
    }

    private struct Counts: Decodable {
        let told: Int
        let quiet: Int
        let missed: Int
        let spurious: Int
        let inconclusive: Int
    }

    private struct Feature: Decodable {
        let feature: String
        let counts: Counts
        let ignored: [String]
    }

    private struct Report: Decodable { let features: [Feature] }

    private func counts() async throws -> [String: Feature] {
        let json = try await doorbell.get("/parity", port: doorbell.adminPort).body
        let report = try JSONDecoder().decode(Report.self, from: Data(json.utf8))
        return Dictionary(uniqueKeysWithValues: report.features.map { ($0.feature, $0) })
    }

    @Test(
        "a forgotten table, a computed field, a wrong channel and a disabled trigger are found; timestamps and orders are not taken for changes"
    )
    func faults() async throws {
        // What is changed before a round of polls; each change comes after the one before was judged.
        let changes = [
            4: "insert into notes values (1, 'told')", 6: "update orders set state = 'paid'",
            8: "insert into alarms values (1, 1)", 20: "update clocks set n = 1",
            22: "update members set name = 'M' where id = 3", 24: "update rows set name = 'b'",
            // From here on the faults.
            30: "insert into attachments values (1, 1, 'forgotten')",
            34: "insert into order_lines values (1, 1, 9.50)",
            38: "insert into inbox values (3, 7, 'on channel user:3:inbox')",
            // For one transaction only: capture finds out within 10 s that a trigger is disabled, and is not live then.
            42: """
            begin; alter table alarms disable trigger all; insert into alarms values (2, 5);
            do $$ declare name text; begin
              for name in select tgname from pg_trigger where tgrelid = 'alarms'::regclass and not tgisinternal loop
                execute format('alter table alarms enable always trigger %I', name);
              end loop;
            end $$;
            commit
            """,
            46: "update rows set hidden = 1",
            50: "update rows set name = 'c'; insert into order_lines values (2, 2, 1)",
        ]
        for round in 1...54 {
            if let change = changes[round] { try database.run(change) }
            for path in Self.queries.keys {
                #expect(try await doorbell.get(path).status == 200, "\(path)")
            }
            try await Task.sleep(for: .milliseconds(150))
        }
        // Told, missed, spurious.
        let expected: [String: [Int]] = [
            "notes": [1, 1, 0],
            // The second line belongs to another order.
            "orders": [1, 1, 0], "inbox": [0, 1, 0], "alarms": [1, 1, 0], "clock": [1, 0, 0], "members": [1, 0, 0],
            // Lines are counted in every row: missed alone (34), and beside a change that was told (50). A column that no poll
            // shows (46).
            "rows": [1, 2, 1], "observed": [0, 0, 0],
        ]
        var counts: [String: Feature] = [:]
        func found() -> [String: [Int]] {
            counts.mapValues { [$0.counts.told, $0.counts.missed, $0.counts.spurious] }
        }
        do {
            try await eventually("the last pairs are judged") {
                counts = try await self.counts()
                return found() == expected
            }
            // Nothing comes after that.
            try await Task.sleep(for: .milliseconds(1500))
            counts = try await self.counts()
        } catch {
            Issue.record("\(error): \(counts.values.map { "\($0)" }.sorted())\n\(doorbell.log)")
        }
        #expect(found() == expected)
        #expect(counts["clock"]?.ignored == ["$.requestId", "$.serverTime", "$.unix"])
        #expect(counts["members"]?.ignored == ["the order of $.members"])

        try await commands()
    }

    private func commands() async throws {
        let table = try doorbell.command("parity")
        #expect(table.status == 0 && table.error == "")
        let lines = table.output.split(separator: "\n")
        #expect(lines.count == 9 && lines[0].hasPrefix("feature   result"))
        #expect(lines[1].split(separator: " ").prefix(2) == ["orders", "misses"])
        #expect(lines[8].contains("not compared"))
        let orders = try doorbell.command("parity", ["orders"]).output
        #expect(orders.contains("missed: the answer changed and there was no message\n  GET /orders/1  on orders:1\n"))
        #expect(orders.contains("\n  $.total: 0 → 9.50\n"))
        let rows = try doorbell.command("parity", ["rows"]).output
        #expect(rows.contains("\n  $.items[id=1].lines: 1 → 2\n") && rows.contains("rows update {\"id\":1}"))
        let json = try doorbell.command("parity", ["notes", "--json"]).output
        #expect(json.contains(#""path" : "$.attachments[id=1]""#) && json.contains(#""verdict" : "missed""#))
        let unknown = try doorbell.command("parity", ["nothing"])
        #expect(unknown.status == 64 && unknown.error.contains("the configuration has no feature 'nothing'"))
        #expect(try await doorbell.get("/parity/nothing", port: doorbell.adminPort).status == 404)
        let metrics = try await doorbell.get("/metrics", port: doorbell.adminPort).body
        #expect(metrics.contains("doorbell_parity_total{feature=\"rows\",verdict=\"missed\"} 2\n"))
    }
}
