import DoorbellTesting
import Foundation
import Testing

/// `doorbell init` as a user runs it, with a real database and the commands that come after it.
@Suite(.serialized) struct InitTests {
    static let cluster = Result { try ScratchPostgres() }

    /// Only its folder is used.
    private let doorbell: DoorbellProcess
    private let conninfo: String
    private let database: ScratchConnection

    init() throws {
        conninfo = try Self.cluster.get().makeDatabase()
        database = try ScratchConnection(conninfo)
        doorbell = try DoorbellProcess(configuration: "")
        try FileManager.default.removeItem(atPath: doorbell.folder + "/doorbell.yaml")
    }

    private static let desk: String =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path + "/examples/desk/schema.sql"

    private func path(_ name: String) -> String { doorbell.folder + "/" + name }

    private func read(_ name: String = "doorbell.yaml") throws -> String {
        try String(contentsOfFile: path(name), encoding: .utf8)
    }

    private func run(_ arguments: [String], environment: [String: String]? = nil) throws -> DoorbellProcess.Result {
        try DoorbellProcess.run(
            arguments, environment: environment ?? ["DATABASE_URL": conninfo], in: doorbell.folder)
    }

    /// A log of the desk: clients that poll every 3 s for a quarter of an hour, and answers that change at the given seconds.
    private func writeLog(begin: Int = 1_780_000_000, changes: [Int] = []) throws {
        let urls = [
            "/api/notifications", "/api/users/7/notifications", "/api/users/8/notifications", "/api/rooms/1/messages",
            "/api/rooms/2/messages", "/api/dashboard",
        ]
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "dd/MMM/yyyy:HH:mm:ss"
        var lines = ""
        for second in 0..<900 {
            let time = formatter.string(from: Date(timeIntervalSince1970: Double(begin + second)))
            for client in 1...9 where (second + client) % 3 == 0 {
                for (index, url) in urls.enumerated() where index % 3 == client % 3 {
                    let size = 100 + (url.contains("rooms") ? changes.count { $0 <= second } : second / 100)
                    lines +=
                        "10.0.0.\(client) - - [\(time) +0000] \"GET \(url) HTTP/1.1\" 200 \(size) \"-\" \"Mozilla/5.0\"\n"
                }
            }
        }
        try lines.write(toFile: path("access.log"), atomically: true, encoding: .utf8)
    }

    @Test("the desk: its tables are found, and check and install take the file as it stands")
    func desk() throws {
        try database.run(String(contentsOfFile: Self.desk, encoding: .utf8))
        try writeLog()
        let made = try run(["init", "access.log", "--upstream", "http://127.0.0.1:5000", "--sample", "0"])
        #expect(made.status == 0, "\(made.error)")
        #expect(made.output.hasPrefix("wrote doorbell.yaml: 4 features ("))
        #expect(made.error == "note: no table was found for dashboard: to be filled in\n")
        let text = try read()
        for part in [
            "upstream: http://127.0.0.1:5000\n", "database: ${DATABASE_URL}\n",
            "- name: public.user_notifications\n        channel: user:{user_id}:notifications\n",
            "- name: public.messages\n        channel: room:{room_id}:messages\n",
            "- name: public.notifications\n        channel: notifications\n",
            "tables:    # by their names only",
        ] { #expect(text.contains(part), "\(part)\n\(text)") }
        #expect(text.components(separatedBy: "stage: observe").count == 5)
        #expect(!text.contains("mode: rows"))
        let check = try run(["check", "--offline"])
        #expect(check.status == 0, "\(check.error)")
        let plan = try run(["install", "--dry-run"])
        #expect(plan.status == 0, "\(plan.error)")
        #expect(plan.output.contains("capture \"public\".\"messages\""))
        #expect(try run(["install"]).status == 0)
        let ready = try run(["check"])
        #expect(ready.status == 0 && ready.output.contains("the database is ready for it"), "\(ready.error)")
    }

    @Test("an outbox that remembers when tables changed makes a table certain, and rows possible")
    func evidence() throws {
        try database.run(String(contentsOfFile: Self.desk, encoding: .utf8))
        try writeLog()
        #expect(try run(["init", "access.log"]).status == 0)
        #expect(try run(["install"]).status == 0)
        // Now they change, 30 times in the quarter of an hour before now.
        let now = Int(Date().timeIntervalSince1970)
        let changes = Array(stride(from: 15, through: 885, by: 30))
        for second in changes {
            try database.run("insert into messages (room_id, author, body) values (1, 'Ada', '\(second)')")
        }
        try database.run("insert into orders (customer, amount) values ('Ines', 1)")
        // What was written just now is dated as if it had been then.
        try database.run(
            """
            update doorbell.outbox o set at = to_timestamp(\(now - 900) + 15 + 30 * n)
            from (select seq, row_number() over (order by seq) - 1 as n from doorbell.outbox) r where r.seq = o.seq
            """)
        try writeLog(begin: now - 900, changes: changes)
        let made = try run(["init", "access.log", "--force"])
        #expect(made.status == 0, "\(made.error)")
        let text = try read()
        #expect(text.contains("mode: rows    # no answer changed without this table"), "\(text)")
        #expect(text.contains("1: [id, room_id, author, body, created_at]"), "\(text)")
        #expect(text.contains("changed answers came after a change of it"))
        #expect(try run(["check"]).status == 0)
        #expect(try run(["install", "--dry-run"]).status == 0)
        // The same from a file, with a table that nobody would guess.
        let lines = changes.map { "\(now - 900 + $0),public.orders" }
        try (lines + ["\(now - 900),public.rooms", "\(now),public.rooms"]).joined(separator: "\n").write(
            toFile: path("changes.csv"), atomically: true, encoding: .utf8)
        let json = try run(["init", "access.log", "--changes", "changes.csv", "--json"])
        #expect(json.status == 0, "\(json.error)")
        let features = try #require(
            (try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])?["features"]
                as? [[String: Any]])
        let messages = try #require(features.first { $0["name"] as? String == "messages" })
        #expect(
            (messages["hints"] as? [String])?.contains { $0.hasPrefix("public.orders changes when the answer does") }
                == true)
    }

    @Test("a schema of odd names, no keys, partitions, views and several schemas")
    func odd() throws {
        try database.run(
            #"""
            create schema "Sales"; create schema billing;
            create table "Sales"."Customer Orders" ("Id" int primary key, "Total" numeric, "Twice" numeric
                generated always as ("Total" * 2) stored);
            create table billing.invoices (no int, customer_id int);
            create table "weird.name" (id int primary key);
            create table "line
            break" (id int primary key, "${HOME}" text, "{b}" int);
            create table events (id int, device_id uuid, at date, primary key (id, at)) partition by range (at);
            create table events_1 partition of events for values from ('2026-01-01') to ('2027-01-01');
            create table "order" (id uuid primary key, "user" int);
            create view overview as select i.no, o."Id" from billing.invoices i, "Sales"."Customer Orders" o;
            create materialized view kept as select 1 as id;
            """#)
        let polls = [
            "/customer-orders/{id}", "/billing/customers/{customer_id}/invoices", "/devices/{device_id}/events",
            "/orders/{order_id}",
            "/overview", "/weird.name", "/line-break/{b}", "/users/{id}/orders", "/kept",
        ]
        let made = try run(["init", "--sample", "0"] + polls.flatMap { ["--poll", "GET \($0)"] })
        #expect(made.status == 0, "\(made.error)")
        let text = try read()
        for part in [
            "- name: Sales.Customer Orders\n", "{Id}",
            "- name: billing.invoices\n        channel: billing:customer:{customer_id}:invoices\n",
            "warning: it has no key", "# named like the end of the path: 1 partition,", "device:{device_id}:events",
            "channel: order:{id}",
            "read by the view overview", "cannot be named in a configuration",
        ] { #expect(text.contains(part), "\(part)\n\(text)") }
        let check = try run(["check", "--offline"])
        #expect(check.status == 0, "\(check.error)\n\(text)")
        let plan = try run(["install", "--dry-run"])
        #expect(plan.status == 0, "\(plan.error)\n\(text)")
        #expect(try run(["install"]).status == 0)
        #expect(try run(["check"]).status == 0)
    }

    @Test("whose a row is may be found over another table, by a query that the database understands")
    func hop() throws {
        try database.run(
            """
            create table users (id int primary key);
            create table rooms (id int primary key, name text);
            create table room_members (room_id int references rooms, user_id int references users, primary key (room_id, user_id));
            """)
        let made = try run(["init", "--sample", "0", "--poll", "GET /users/{user_id}/rooms"])
        #expect(made.status == 0, "\(made.error)")
        let text = try read()
        #expect(text.contains("query: 'select ''user:'' || \"user_id\""), "\(text)")
        #expect(try run(["install"]).status == 0)
        let check = try run(["check"])
        #expect(check.status == 0, "\(check.error)")
    }

    @Test("an API on a port that Doorbell would take keeps it")
    func ports() throws {
        try database.run("create table notes (id int primary key)")
        for (upstream, lines) in [
            ("http://127.0.0.1:8080", "listen: 0.0.0.0:8090\nupstream"),
            ("http://localhost:8081", "listen: 0.0.0.0:8080\nadmin: 127.0.0.1:8091\nupstream"),
            ("http://api.example:8080", "listen: 0.0.0.0:8080\nupstream"),
        ] {
            let made = try run(["init", "--poll", "GET /notes", "--upstream", upstream, "--force"])
            #expect(made.status == 0, "\(made.error)")
            #expect(try read().contains(lines))
            #expect(try run(["check", "--offline"]).status == 0)
        }
    }

    @Test("on standard output there is the file and nothing else, and another file is named in what comes next")
    func outputs() throws {
        try database.run("create table notes (id int primary key)")
        let arguments = ["init", "--poll", "GET /notes", "--sample", "0"]
        let printed = try run(arguments + ["--config", "-"])
        #expect(printed.status == 0, "\(printed.error)")
        #expect(printed.output.hasSuffix("    stage: observe\n"), "\(printed.output)")
        let made = try run(arguments + ["--config", "other.yaml"])
        #expect(try read("other.yaml") == printed.output)
        #expect(
            made.output.hasSuffix(
                "next: read it, then 'doorbell check --offline --config other.yaml' and 'doorbell install --dry-run --config other.yaml'\n"
            ))
    }

    @Test("a database that Doorbell cannot work with is described all the same, and that is said at once")
    func standby() throws {
        let primary = try ScratchPostgres(settings: ["wal_level = replica", "max_wal_senders = 4"])
        defer { primary.remove() }
        try ScratchConnection(primary.conninfo()).run("create table notes (id int primary key)")
        let standby = try ScratchPostgres(standbyOf: primary)
        defer { standby.remove() }
        let made = try run(
            ["init", "--sample", "0", "--poll", "GET /notes"], environment: ["DATABASE_URL": standby.conninfo()])
        #expect(made.status == 0, "\(made.error)")
        #expect(made.error.hasPrefix("note: PostgreSQL at "), "\(made.error)")
        #expect(made.error.contains("is a standby. Connect to the primary"), "\(made.error)")
        #expect(try read().contains("- name: public.notes"))
    }

    @Test("what the logs and the changes lack is said")
    func lacking() throws {
        try database.run(String(contentsOfFile: Self.desk, encoding: .utf8))
        try writeLog()
        let log = try read("access.log")
        try (log + "nonsense\n").write(toFile: path("access.log"), atomically: true, encoding: .utf8)
        try "2020-01-01T00:00:00Z,public.message\n".write(
            toFile: path("changes.csv"), atomically: true, encoding: .utf8)
        let made = try run(["init", "access.log", "--changes", "changes.csv", "--sample", "0"])
        #expect(made.status == 0, "\(made.error)")
        // What is named has its figures from the log, too.
        let named = try run(["init", "access.log", "--poll", "GET /api/dashboard", "--json"])
        #expect(
            named.output.hasPrefix(#"{"features":[{"name":"dashboard","poll":"GET /api/dashboard","interval":3."#),
            "\(named.output)")
        for note in [
            "note: tables that are said to have changed and are not in the database: public.message\n",
            "are none of the time of the logs: nothing was compared\n",
            "note: 1 of \(log.split(separator: "\n").count + 1) lines of the logs could not be read: 'doorbell assess' shows them\n",
        ] { #expect(made.error.contains(note), "\(made.error)") }
    }

    @Test("the password stays where it was")
    func secrets() throws {
        try database.run("create table notes (id int primary key)")
        // trust: any password will do.
        let port = try Self.cluster.get().port
        let name = try database.run("select current_database()")[0][0] ?? ""
        let url = "postgresql://postgres:hunter2@127.0.0.1:\(port)/\(name)"
        let made = try run(
            ["init", "--sample", "0", "--database", url, "--poll", "GET /notes"], environment: ["DATABASE_URL": ""])
        #expect(made.status == 0, "\(made.error)")
        #expect(made.error.contains("note: the file names the variable DATABASE_URL; set it"))
        let text = try read()
        #expect(!(text + made.output + made.error).contains("hunter2"))
        #expect(text.contains("127.0.0.1:\(port)/\(name)"))
        let wrong = try run(
            ["init", "--database", "mysql://root:hunter2@x/y", "--poll", "GET /notes", "--force"])
        #expect(wrong.status == 64)
        #expect(!wrong.error.contains("hunter2"), "\(wrong.error)")
    }

    @Test("a file that exists stays, unless it is said")
    func overwriting() throws {
        try database.run("create table notes (id int primary key)")
        try "mine".write(toFile: path("doorbell.yaml"), atomically: true, encoding: .utf8)
        let arguments = ["init", "--sample", "0", "--poll", "GET /notes"]
        for extra in [[], ["--yes"]] {
            let refused = try run(arguments + extra)
            #expect(refused.status == 64)
            #expect(refused.error.contains("doorbell.yaml exists and is not replaced"))
            #expect(try read() == "mine")
        }
        // JSON writes nothing, so nothing is in its way.
        #expect(try run(arguments + ["--json"]).status == 0)
        #expect(try read() == "mine")
        #expect(try run(arguments + ["--force"]).status == 0)
        #expect(try read().contains("- name: public.notes"))
    }

    @Test("an empty database leaves a file that check takes")
    func empty() throws {
        let made = try run(["init", "--poll", "GET /notes"])
        #expect(made.status == 0, "\(made.error)")
        #expect(try read().contains("has no tables that this user can see"))
        #expect(try run(["check", "--offline"]).status == 0)
    }

    @Test("500 tables leave a file that a person can read")
    func many() throws {
        try database.run(
            """
            do $$ begin for i in 1..500 loop execute format('create table t_%s (id int primary key)', i); end loop; end $$;
            create table messages (id int primary key)
            """)
        #expect(try run(["init", "--poll", "GET /messages"]).status == 0)
        let text = try read()
        #expect(text.contains("# 500 of 501 tables belong to none of these features"))
        #expect(text.split(separator: "\n").count < 25, "\(text)")
    }

    @Test("misuse gets a sentence, a code of its kind, and no file")
    func misuse() throws {
        try "nothing\n".write(toFile: path("no.log"), atomically: true, encoding: .utf8)
        try database.run("create table notes (id int primary key)")
        let poll = ["--poll", "GET /notes"]
        let nobody = "host=127.0.0.1 port=\(try freePort()) dbname=x user=postgres"
        let none = ["DATABASE_URL": "", "DOORBELL_DATABASE": ""]
        let cases: [(arguments: [String], environment: [String: String]?, status: Int32, sentence: String)] = [
            (poll, none, 64, "it is not known where the database is"),
            ([], nil, 64, "it is not known what is polled"),
            (["--database", nobody] + poll, nil, 69, "cannot reach the database"),
            (["--database", "nowhere"] + poll, nil, 64, "--database takes a URL"),
            (poll, ["DATABASE_URL": "nowhere"], 64, "neither a PostgreSQL URL nor"),
            (["none.log"], nil, 64, "No such file or directory"),
            (["no.log"], nil, 64, "is in no format that is known"),
            (["--poll", "POST /notes"], nil, 64, "--poll: write a poll as 'GET /path/{name}'"),
            (["--poll", "GET /a/{"], nil, 64, "--poll: "),
            (["--upstream", "127.0.0.1:3000"] + poll, nil, 64, "--upstream takes a URL like"),
            (["--upstream", "http://x:99999"] + poll, nil, 64, "it has a port that is not a number from 1 to 65535"),
            (["--upstream", "http://x/?a"] + poll, nil, 64, "it must not have spaces, '?' or '#'"),
            (["--poll", "GET /_doorbell/x"], nil, 64, "is Doorbell's own"),
            (["--database", "host=x prt=1"] + poll, nil, 78, "DATABASE_URL"),
            (["--upstream", "http://me:pw@x"] + poll, nil, 64, "it must not have a user or a password"),
            (["--sample", "601"] + poll, nil, 64, "--sample takes 0 to 600"),
            (["--config", "none/doorbell.yaml"] + poll, nil, 71, "there is no folder"),
            (["--config", "."] + poll, nil, 64, "is a directory"),
            (["--config", ""] + poll, nil, 64, "--config needs the name of a file"),
            (["--changes", "c.csv"] + poll, nil, 64, "name a log"),
            (["no.log", "--changes", "c.csv"], nil, 64, "c.csv cannot be read"),
            (["-", "-"], nil, 64, "standard input can be read once only"),
            (["--nonsense"], nil, 64, "Unknown option '--nonsense'"),
        ]
        for one in cases {
            let result = try run(["init"] + one.arguments, environment: one.environment)
            #expect(result.status == one.status, "\(one.arguments): \(result.error)")
            #expect(result.error.contains(one.sentence), "\(one.arguments): \(result.error)")
            #expect(!FileManager.default.fileExists(atPath: path("doorbell.yaml")))
        }
    }
}
