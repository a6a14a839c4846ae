import DoorbellRollout
import DoorbellTestSupport
import DoorbellTesting
import Foundation
import NIOCore
import NIOPosix
import Testing

/// Misuse of the commands: each gets a clear sentence and an exit code of its kind, and leaves the database as it was.
@Suite(.serialized) struct CommandTests {
    static let cluster = Result { try ScratchPostgres() }
    static let schema = """
        create table notes (id bigint generated always as identity primary key, room int, body text);
        create table parted (id int, room int, body text) partition by range (id);
        """

    let postgres: ScratchPostgres
    let conninfo: String
    let database: ScratchConnection

    init() throws {
        postgres = try Self.cluster.get()
        conninfo = try postgres.makeDatabase()
        database = try ScratchConnection(conninfo)
        try database.run(Self.schema)
    }

    // MARK: The database

    @Test("a database that nobody serves is told apart from a name that it does not have")
    func unreachable() throws {
        let nobody = "host=127.0.0.1 port=\(try freePort()) dbname=x user=postgres"
        expect(
            try DoorbellProcess(configuration: configuration(nobody)).command("install"), 69, "cannot reach",
            "127.0.0.1")
        let unknown = postgres.conninfo(database: "nowhere")
        expect(
            try DoorbellProcess(configuration: configuration(unknown)).command("install"), 69, "nowhere",
            "does not exist")
    }

    @Test("a wrong password is refused in one sentence that does not tell the password")
    func wrongPassword() throws {
        let cluster = try ScratchPostgres()
        defer { cluster.remove() }
        try ScratchConnection(cluster.conninfo()).run("create role visitor login password 'right-secret'")
        let path = cluster.folder + "/data/pg_hba.conf"
        let rules = try String(contentsOfFile: path, encoding: .utf8)
        try "host all visitor 127.0.0.1/32 scram-sha-256\n\(rules)".write(
            toFile: path, atomically: false, encoding: .utf8)
        try cluster.restart()
        let doorbell = try DoorbellProcess(
            configuration: configuration("postgresql://visitor:wrong-secret@127.0.0.1:\(cluster.port)/postgres"))
        for command in ["check", "install", "uninstall", "serve"] {
            let result = try doorbell.command(command)
            expect(result, 77, "password", "visitor")
            #expect(!(result.output + result.error).contains("wrong-secret"))
        }
    }

    @Test("who lacks rights is told which, and nothing is half-installed")
    func rights() throws {
        try database.run(
            """
            do $$ begin create role helper login; exception when duplicate_object then null; end $$;
            do $$ begin create role owner login; exception when duplicate_object then null; end $$;
            """)
        let before = try catalogue()
        let name = "dbname=" + (try database.run("select current_database()")[0][0] ?? "")
        let address = "host=127.0.0.1 port=\(postgres.port) \(name)"
        let helper = try DoorbellProcess(configuration: configuration("\(address) user=helper"))
        expect(try helper.command("install"), 77, "permission denied", "Nothing was changed")
        #expect(try catalogue() == before)

        try database.run("alter table notes owner to owner")
        let owned = try catalogue()
        let owner = try DoorbellProcess(configuration: configuration("\(address) user=owner"))
        expect(try owner.command("install"), 77, "permission denied", "GRANT \"doorbell\" TO")
        #expect(try catalogue() == owned)
    }

    @Test("a table or column that is not there is named, with what there is")
    func missing() throws {
        let before = try catalogue()
        expect(try install(table: "nots"), 78, "no table public.nots")
        expect(try install(table: "Notes"), 78, "no table public.Notes", "There is public.notes")
        expect(try install(channel: "desk:{desk}", poll: "/desks/{desk}"), 78, "no column 'desk'", "id, room, body")
        expect(try install(versions: "[id, bdy]"), 78, "no column 'bdy'", "id, room, body")
        let query = "{ query: \"select 'room:' || {desk}\" }"
        expect(try install(channel: query, extra: "channel: room:{room}"), 78, "no column 'desk'")
        for (query, word) in [
            ("select 'room:' || id from nowhere", "nowhere"), ("select nothing from notes", "nothing"),
            ("selekt 1", "selekt"),
        ] {
            let result = try install(channel: "{ query: \"\(query)\" }", extra: "channel: room:{room}")
            expect(result, 78, "channel query of features.notes", word)
        }
        expect(try install(table: "parted", capture: "statement"), 78, "public.parted is partitioned", "capture: row")
        #expect(try catalogue() == before)
    }

    @Test("installing twice and uninstalling twice is no error, and uninstalling leaves nothing")
    func twice() throws {
        let before = try catalogue()
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo))
        let plan = try doorbell.command("install", ["--dry-run"])
        #expect(plan.status == 0 && plan.output.contains("create schema doorbell"))
        #expect(try catalogue() == before)
        expect(try doorbell.command("install"), 0)
        let installed = try catalogue()
        expect(try doorbell.command("install"), 0)
        #expect(try catalogue() == installed)
        expect(try doorbell.command("check"), 0)
        expect(try doorbell.command("uninstall"), 0)
        #expect(try catalogue() == before)
        expect(try doorbell.command("uninstall"), 0)
        #expect(try catalogue() == before)
    }

    @Test("serving and checking before installing say what to run")
    func notInstalled() throws {
        let before = try catalogue()
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo))
        expect(try doorbell.command("serve"), 76, "not installed", "doorbell install")
        expect(try doorbell.command("check"), 76, "not installed", "doorbell install")
        expect(try doorbell.command("compare"), 75, "cannot reach the admin port", "doorbell serve")
        #expect(try catalogue() == before)
    }

    @Test("compare refuses what it cannot show, with what it can")
    func compareMisuse() throws {
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo))
        expect(try doorbell.command("compare", ["note"]), 64, "no feature 'note'", "Did you mean 'notes'?")
        expect(
            try doorbell.command("compare", ["nothing-like-it"]), 64, "no feature 'nothing-like-it'", "It has: notes")
        for since in ["0s", "59s", "401d", "yesterday", "24", ""] {
            expect(
                try doorbell.command("compare", ["--since", since]), 64, "--since must be a time from 1m to 400d",
                "'\(since)'")
        }
        expect(
            try doorbell.command("compare", ["--html", "a.html", "--watch"]), 64,
            "--html goes without --watch and --json")
        expect(
            try doorbell.command("compare", ["--html", "a.html", "--json"]), 64,
            "--html goes without --watch and --json")
        expect(try doorbell.command("compare", ["--html", ""]), 64, "--html needs the name of a file")
        let page = doorbell.folder + "/page.html"
        try "mine".write(toFile: page, atomically: false, encoding: .utf8)
        expect(try doorbell.command("compare", ["--html", page]), 64, "page.html exists and is not replaced")
        #expect(try String(contentsOfFile: page, encoding: .utf8) == "mine")
        expect(try doorbell.command("parity", ["note"]), 64, "no feature 'note'", "Did you mean 'notes'?")
        expect(try doorbell.command("gate", ["note"]), 64, "no feature 'note'", "Did you mean 'notes'?")
        expect(try doorbell.command("gate", ["notes"]), 64, "feature 'notes' has no gate")
        expect(try doorbell.command("compare", ["notes", "--html", "a.html"]), 75, "cannot reach the admin port")
    }

    // MARK: The service

    @Test("a service that takes the connection and says nothing is not waited for without end")
    func silent() async throws {
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo))
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: doorbell.adminPort).get()
        expect(try doorbell.command("pollers"), 75, "does not answer within 10 s", "try again")
        try await listener.close()
    }

    @Test("ports in use are named, and the service that has them goes on")
    func portsInUse() async throws {
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo))
        expect(try doorbell.command("install"), 0)
        try doorbell.serve()
        try await until("the port is open") { try await doorbell.get("/_doorbell/health/live").status == 200 }
        expect(try doorbell.command("serve"), 71, "cannot listen on 127.0.0.1:\(doorbell.port)", "in use")
        let another = ["DOORBELL_LISTEN": "127.0.0.1:\(try freePort())"]
        let file = doorbell.folder + "/doorbell.yaml"
        let admin = try DoorbellProcess.run(["serve", "--config", file], environment: another)
        expect(admin, 71, "admin", "127.0.0.1:\(doorbell.adminPort)", "in use")
        for variable in ["DOORBELL_LISTEN", "DOORBELL_ADMIN"] {
            let names = [variable: "nowhere.invalid:8080"].merging(another) { own, _ in own }
            let result = try DoorbellProcess.run(["serve", "--config", file], environment: names)
            expect(result, 71, "cannot listen on", "nowhere.invalid:8080", "no address")
        }
        #expect(try await doorbell.get("/_doorbell/health/live").status == 200)
        #expect(doorbell.terminate() == 0)
    }

    @Test("compare shows what was polled, as a table, as JSON and as a page, and says when it cannot write")
    func compares() async throws {
        let legacy = try await LegacyStub()
        let doorbell = try DoorbellProcess(
            configuration: configuration(conninfo, upstream: legacy.url) + "comparison: { prices: { currency: EUR } }\n"
        )
        expect(try doorbell.command("install"), 0)
        try doorbell.serve()
        try await doorbell.untilReady()
        for _ in 0..<5 { _ = try await doorbell.get("/rooms/1") }
        try await until("the polls are counted") {
            let rows = try doorbell.command("compare").output.split(separator: "\n")
            return rows.first { $0.hasPrefix("requests or messages") }?.split(separator: " ").dropFirst(3).first == "5"
        }
        let all = try doorbell.command("compare", ["--since", "1h"])
        #expect(
            all.output.hasPrefix("Polling against push, ") && all.output.contains("\nnotes    push"),
            "\(all.output)\(all.error)")
        #expect(all.output.contains("cost (est.)") && all.output.contains("EUR"))
        let one = try doorbell.command("compare", ["notes"]).output
        #expect(one.hasPrefix("Polling against push of notes, ") && one.contains("\ncohort  path"), "\(one)")
        let json = try doorbell.command("compare", ["--json"]).output
        #expect(
            try JSONDecoder().decode(ComparisonReport.self, from: Data(json.utf8)).features.map(\.name) == ["notes"])
        for (arguments, title) in [([], "Polling against push"), (["notes"], "Polling against push: notes")] {
            let file = doorbell.folder + "/page.html"
            let result = try doorbell.command("compare", arguments + ["--html", file, "--force"])
            #expect(result.status == 0 && result.output == "wrote \(file)\n", "\(result.error)")
            let page = WellFormed(try String(contentsOfFile: file, encoding: .utf8))
            #expect(
                page.problem == nil && page.addresses.isEmpty && page.text.contains(title)
                    && page.text.contains("Bandwidth"))
        }
        let printed = try doorbell.command("compare", ["--html", "-"])
        #expect(printed.status == 0 && printed.output.hasPrefix("<!DOCTYPE html>") && printed.error == "")
        expect(
            try doorbell.command("compare", ["--html", "/nowhere/page.html"]), 71,
            "/nowhere/page.html cannot be written",
            "there is no folder")
        #expect(doorbell.terminate() == 0)
    }

    @Test("a service whose output cannot be written goes on")
    func fullCommentary() async throws {
        let legacy = try await LegacyStub()
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo, upstream: legacy.url))
        expect(try doorbell.command("install"), 0)
        try doorbell.serve(["--commentary"], output: "/dev/full")
        try await doorbell.untilReady()
        try database.run("insert into notes (room, body) values (1, 'x')")
        let told = try doorbell.command("tail", ["room:1", "--since", "earliest", "--count", "1"])
        #expect(told.status == 0 && told.output.contains("insert"), "\(told)")
        #expect(try await doorbell.get("/_doorbell/health/live").status == 200)
        #expect(doorbell.terminate() == 0)
    }

    @Test("a commentary that nobody reads holds up nothing")
    func unreadCommentary() async throws {
        let legacy = try await LegacyStub()
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo, upstream: legacy.url))
        expect(try doorbell.command("install"), 0)
        let pipe = doorbell.folder + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        let reader = open(pipe, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        defer { close(reader) }
        try doorbell.serve(["--commentary"], output: pipe)
        try await doorbell.untilReady()
        // Full to the last byte.
        for size in [4096, 1] {
            let bytes = [UInt8](repeating: 0x2E, count: size)
            while write(reader, bytes, size) > 0 {}
        }
        try database.run("insert into notes (room, body) values (1, 'x')")
        try await until("the change is in history", { doorbell.log }) {
            try await doorbell.get("/metrics", port: doorbell.adminPort).body.contains("doorbell_history_messages 1")
        }
        var text = ""
        try await until("the line comes", { text }) {
            var part = [UInt8](repeating: 0, count: 65_536)
            let count = read(reader, &part, part.count)
            if count > 0 { text += String(decoding: part[..<count].filter { $0 != 0x2E }, as: UTF8.self) }
            return text.contains("notes: insert")
        }
        #expect(doorbell.terminate() == 0)
    }

    @Test("sockets need no rights of root's, neither tail's nor those that are tunnelled to the legacy API")
    func unprivilegedSockets() async throws {
        let legacy = try await LegacyStub()
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo, upstream: legacy.url))
        expect(try doorbell.command("install"), 0)
        try doorbell.serve(unprivileged: true)
        try await doorbell.untilReady()
        let url = "http://127.0.0.1:\(doorbell.port)/nowhere"
        expect(try DoorbellProcess.run(["tail", url], unprivileged: true), 75, "unknown_channel")
        // The legacy API answers without switching; that it was asked is what counts.
        let answer = try await doorbell.get(
            "/socket",
            headers: [
                "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
            ])
        #expect(answer.status == 200 && answer.body == "{}", "\(answer)")
        #expect(doorbell.terminate() == 0)
    }

    @Test("a wrong token, and TLS where there is none, are told as what they are")
    func tailStrangers() async throws {
        let legacy = try await LegacyStub()
        let text =
            configuration(conninfo, upstream: legacy.url)
            + "auth: { secret: '0123456789abcdef0123456789abcdef' }\n"
        let doorbell = try DoorbellProcess(configuration: text)
        expect(try doorbell.command("install"), 0)
        try doorbell.serve()
        try await doorbell.untilReady()
        expect(
            try doorbell.command("tail", ["room:1", "--token", "wrong"]), 77, "answers 401", "token",
            "--token or DOORBELL_TOKEN")
        let url = "127.0.0.1:\(doorbell.port)"
        expect(
            try doorbell.command("tail", ["https://\(url)/rooms/1"]), 75, "does it speak TLS on this port?")
        let doctor = try doorbell.command("doctor", ["--url", "https://\(url)"])
        #expect(doctor.status == 1 && !doctor.output.contains("Error"), "\(doctor.output)")
        #expect(doorbell.terminate() == 0)
    }

    @Test("what is watched goes on when the service has gone, and comes back with it")
    func watching() async throws {
        let legacy = try await LegacyStub()
        let doorbell = try DoorbellProcess(
            configuration: configuration(conninfo, upstream: legacy.url), adminToken: "a-token-of-the-administrator")
        expect(try doorbell.command("install"), 0)
        expect(try doorbell.command("parity", ["--watch"]), 75, "cannot reach the admin port")
        try doorbell.serve()
        try await doorbell.untilReady()
        let file = doorbell.folder + "/doorbell.yaml"
        expect(
            try DoorbellProcess.run(
                ["parity", "--config", file], environment: ["DOORBELL_ADMIN_TOKEN": "another-token-that-is-wrong"]), 77,
            "this is not the admin token")
        let watch = Process()
        watch.executableURL = URL(fileURLWithPath: DoorbellProcess.executable)
        watch.arguments = ["parity", "--watch", "--config", file]
        let log = doorbell.folder + "/watch"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        watch.standardOutput = FileHandle(forWritingAtPath: log)
        watch.standardError = watch.standardOutput
        try watch.run()
        defer {
            watch.terminate()
            watch.waitUntilExit()
        }
        func text() throws -> String { try String(contentsOfFile: log, encoding: .utf8) }
        func tables(_ text: Substring) -> Bool { text.contains("feature") }
        try await until("the table is shown") { tables(try text()[...]) }
        #expect(doorbell.terminate() == 0)
        try await until("the error is shown") { try text().contains("cannot reach the admin port") }
        try doorbell.serve()
        try await doorbell.untilReady()
        try await until("the table is shown again") {
            let text = try text()
            return text.ranges(of: "cannot reach").last.map { tables(text[$0.upperBound...]) } ?? false
        }
        #expect(watch.isRunning && doorbell.terminate() == 0)
    }

    @Test("tail ends with the reason when the service refuses")
    func tailRefused() async throws {
        let legacy = try await LegacyStub()
        let text = configuration(
            conninfo, upstream: legacy.url, poll: "/forbidden/{room}", channel: "room:{room}")
        let doorbell = try DoorbellProcess(configuration: text)
        expect(try doorbell.command("install"), 0)
        try doorbell.serve()
        try await doorbell.untilReady()
        expect(try doorbell.command("tail", ["nowhere"]), 75, "unknown_channel")
        expect(try doorbell.command("tail", ["/nowhere"]), 75, "unknown_channel")
        expect(try doorbell.command("tail", ["room:1"]), 77, "not_allowed", "403")
        expect(try doorbell.command("tail", ["/forbidden/1"]), 77, "not_allowed", "403")
        expect(try doorbell.command("tail", ["room:1", "--schema-version", "9"]), 75, "unknown_version")
        let metrics = "http://127.0.0.1:\(doorbell.adminPort)/metrics"
        expect(try doorbell.command("tail", [metrics]), 75, "404", "doorbell serve")
    }

    // MARK: Stages

    @Test("stages are shown and moved without the service, with who and why, and listed with where they came from")
    func stages() throws {
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo))
        expect(try doorbell.command("stage"), 76, "not installed", "doorbell install")
        expect(try doorbell.command("install"), 0)
        let list = try doorbell.command("stage")
        #expect(list.status == 0 && list.output.contains("notes    push   -"), "\(list.output)")
        #expect(list.output.contains("the configuration"))
        let canary = try doorbell.command(
            "stage", ["notes", "canary", "--percent", "5", "--why", "begin", "--by", "ada"])
        #expect(canary.output == "notes: push -> canary 5 %\n", "\(canary.error)")
        #expect(
            try doorbell.command("stage", ["notes", "--percent", "12.5"]).output
                == "notes: canary 5 % -> canary 12.5 %\n")
        #expect(
            try doorbell.command("stage", ["notes", "--percent", "12.5"]).output == "notes: is canary 12.5 % already\n")
        #expect(
            try doorbell.command("stage", ["notes", "--percent", "12.5", "--why", "again"]).output
                == "notes: is canary 12.5 % already; the reason was not recorded\n")
        let back = try DoorbellProcess.run(
            ["stage", "notes", "observe", "--config", doorbell.folder + "/doorbell.yaml"],
            environment: ["USER": "grace"])
        #expect(back.output == "notes: canary 12.5 % -> observe\n")
        let shown = try doorbell.command("stage", ["notes"]).output
        #expect(shown.hasPrefix("notes: observe, since 20") && shown.contains("by grace"), "\(shown)")
        #expect(shown.contains("canary 12.5 %  observe") && shown.contains("ada") && shown.contains("begin"))
        let json = try doorbell.command("stage", ["notes", "--json"]).output
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let audit = try #require(object["audit"] as? [[String: Any]])
        #expect(object["stage"] as? String == "observe" && audit.count == 3)
        #expect(audit.last?["from"] as? String == "push" && audit.last?["percent"] as? Double == 5)
        try database.run("select doorbell.set_stage('gone', 'push')")
        #expect(try doorbell.command("stage").output.contains("(not in the configuration)"))
    }

    @Test(
        "a step that makes no sense is refused in one sentence",
        arguments: [
            (["nots", "push"], "Did you mean 'notes'?"), (["xyz"], "It has: notes."),
            (["notes", "canary"], "needs a percentage"), (["notes", "push", "--percent", "5"], "only canary"),
            (["notes", "--percent", "5"], "is in stage push, which has no percentage"),
            (["notes", "pushed"], "not a stage"), (["notes", "canary", "--percent", "101"], "from 0 to 100"),
            (["--percent", "5"], "name a feature"), (["notes", "--why", "x"], "name the stage"),
            (["notes", "push", "--by", ""], "--by"),
        ])
    func refusedSteps(arguments: [String], word: String) throws {
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo))
        expect(try doorbell.command("install"), 0)
        let result = try doorbell.command("stage", arguments)
        #expect(result.status == 64 && result.error.contains(word), "\(result.error)")
        #expect(try database.run("select from doorbell.audit").isEmpty)
    }

    // MARK: The configuration and the command line

    @Test(
        "a mistake in the file is told with its line and what would be right",
        arguments: [
            ("x: [", ["not YAML"]),
            ("database: x\n\tupstream: y\n", ["doorbell.yaml:4", "tab"]),
            (
                "database: a=b\nupstream: http://127.0.0.1\nlisten: 1.1.1.1:1\n",
                ["doorbell.yaml:5", "'listen' stands twice"]
            ),
            ("databse: a=b\n", ["doorbell.yaml:3", "unknown key 'databse'", "'database'"]),
            ("database: [1]\n", ["doorbell.yaml:3", "database must be text"]),
            ("database: ${DOORBELL_UNSET_NAME}\n", ["doorbell.yaml:3", "DOORBELL_UNSET_NAME is not set"]),
            ("upstream: ftp://x\n", ["doorbell.yaml:3", "http://"]),
            ("features: {}\n", ["doorbell.yaml:3", "features is empty"]),
        ])
    func mistakes(text: String, words: [String]) throws {
        expect(try DoorbellProcess(configuration: text).command("check", ["--offline"]), 78, words)
    }

    @Test("a feature that stands twice, or has another's poll, is refused")
    func duplicateFeature() throws {
        let text = configuration(conninfo)
        let feature = text[(text.range(of: "features:\n")?.upperBound ?? text.endIndex)...]
        expect(
            try DoorbellProcess(configuration: text + feature).command("check", ["--offline"]), 78,
            "'notes' stands twice in features")
        let other = feature.replacingOccurrences(of: "  notes:", with: "  others:")
        expect(
            try DoorbellProcess(configuration: text + other).command("check", ["--offline"]), 78,
            "features.others and features.notes have the same poll")
    }

    @Test("a file that is missing, empty or a folder is named")
    func files() throws {
        expect(try DoorbellProcess.run(["check", "--config", "none.yaml"]), 78, "none.yaml", "no such file")
        expect(try DoorbellProcess.run(["check", "--config", "/tmp"]), 78, "/tmp: this is a directory")
        let empty = NSTemporaryDirectory() + "doorbell-empty-\(getpid()).yaml"
        try "".write(toFile: empty, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: empty) }
        expect(try DoorbellProcess.run(["check", "--config", empty]), 78, "the file is empty")
    }

    @Test(
        "wrong usage is answered with the usage",
        arguments: [
            (["serve", "--frobnicate"], "--frobnicate"), (["instal"], "instal"), (["check", "--config"], "--config"),
            (["tail", ""], "a channel"),
            (["serve", "--log-level", "loud"], "not a log level"), (["tail"], "<target>"),
            (["tail", "x", "--since", "bad"], "--since takes"),
            (["tail", "x", "--raw", "--json"], "exclude each other"),
            (["tail", "x", "-H", "name"], "Name: value"),
            (["tail", "x", "-H", "Zürich: 1"], "'Zürich' is no name"),
            (["tail", "x", "-H", "a: b\nc: d"], "line breaks"),
            (["tail", "x", "--token", ""], "--token is empty"), (["tail", "x", "--token", "ü"], "visible ASCII"),
            (["doctor", "--url", "http://127.0.0.1:70000"], "a port that is not a number"),
            (["doctor", "--url", "http://[::1"], "not closed"),
            (["doctor", "--url", "http://h/path"], "not have a path"),
            (["doctor", "--url", "http://h", "-H", "ü: 1"], "'ü' is no name"),
            (["simulate", "--html", ""], "--html needs"),
            (["assess", "x", "--html", ""], "--html needs"),
            (["assess", "x", "--html", "-", "--json"], "standard output"),
            (["tail", "x", "--schema-version", "0"], "1 to 65535"),
        ])
    func usage(arguments: [String], word: String) throws {
        expect(try DoorbellProcess.run(arguments), 64, word, "Usage:")
    }

    @Test(
        "a URL that cannot be tailed is refused without what may be a password",
        arguments: [
            ("ftp://x/y", "Use http or https"), ("http://user:secretpw@host/x", "must not have a user or a password"),
            ("http://host:70000/x", "a port that is not a number"), ("https://", "no host"),
        ])
    func tailURLs(url: String, word: String) throws {
        let result = try DoorbellProcess.run(["tail", url])
        expect(result, 64, word)
        #expect(!result.error.contains("secretpw") && !result.error.contains("Usage:"), "\(result.error)")
        if !url.hasPrefix("ftp") {
            let doctor = try DoorbellProcess.run(["doctor", "--url", url])
            #expect(doctor.status == 64 && !doctor.error.contains("secretpw"), "\(doctor.error)")
        }
    }

    @Test("a configuration is read from a pipe, too")
    func pipedConfiguration() throws {
        let doorbell = try DoorbellProcess(configuration: configuration(conninfo))
        let pipe = doorbell.folder + "/pipe.yaml"
        #expect(mkfifo(pipe, 0o600) == 0)
        let writer = Process()
        writer.executableURL = URL(fileURLWithPath: "/bin/sh")
        writer.arguments = ["-c", "cat '\(doorbell.folder)/doorbell.yaml' > '\(pipe)'"]
        try writer.run()
        expect(try DoorbellProcess.run(["check", "--offline", "--config", pipe]), 0)
        writer.waitUntilExit()
        #expect(chmod(doorbell.folder + "/doorbell.yaml", 0o000) == 0)
        expect(
            try DoorbellProcess.run(
                ["check", "--offline", "--config", doorbell.folder + "/doorbell.yaml"], unprivileged: true), 78,
            "cannot be read: Permission denied")
    }

    @Test("output that cannot be written ends a command with the reason, and quietly when nobody reads")
    func fullOutput() throws {
        let full = try DoorbellProcess.run(["check", "--keys"], output: "/dev/full")
        #expect(full.status == 71)
        #expect(full.error == "doorbell: cannot write to standard output: No space left on device\n")
        let unread = try DoorbellProcess.run(["check", "--keys"], output: nil)
        #expect(unread.status == 141 && unread.error == "", "\(unread)")
    }

    @Test("a command without standard output says so, and writes into nothing else")
    func noOutput() throws {
        // A command with a connection, which would take the number.
        let line = "exec \"$0\" init --sample 0 --poll 'GET /rooms' --database \"$1\" --config /dev/null >&-"
        let (status, text) = try DoorbellProcess.run(shell: line, [conninfo])
        #expect(status == 71)
        #expect(text.hasSuffix("doorbell: cannot write to standard output: Bad file descriptor\n"), "\(text)")
    }

    @Test("claims of a token that options say are not taken twice")
    func claims() throws {
        let doorbell = try DoorbellProcess(
            configuration: configuration(conninfo) + "auth: { secret: 0123456789abcdef0123456789abcdef }\n")
        func refused(_ claim: String) throws -> DoorbellProcess.Result {
            try doorbell.command("token", ["--subject", "7", "--claim", claim])
        }
        #expect(try refused("role=admin").status == 0)
        expect(try refused("sub=8"), 64, "said by --subject")
        for claim in ["exp=1", "iat=1"] {
            let result = try refused(claim)
            #expect(result.status == 64 && result.error.contains("said by --expires"), "\(result.error)")
        }
    }

    // MARK: Inside

    private func configuration(
        _ conninfo: String, upstream: String = "http://127.0.0.1:9", table: String = "notes",
        poll: String = "/rooms/{room}",
        channel: String = "room:{room}", versions: String = "[id, body]", capture: String = "row", extra: String = ""
    ) -> String {
        """
        database: \(conninfo)
        upstream: \(upstream)
        features:
          notes:
            poll: GET \(poll)
            \(extra)
            tables:
              - name: \(table)
                capture: \(capture)
                channel: \(channel)
            versions:
              1: \(versions)
            stage: push

        """
    }

    private func install(
        table: String = "notes", channel: String = "room:{room}", poll: String = "/rooms/{room}",
        versions: String = "[id, body]", capture: String = "row", extra: String = ""
    ) throws -> DoorbellProcess.Result {
        try DoorbellProcess(
            configuration: configuration(
                conninfo, table: table, poll: poll, channel: channel, versions: versions, capture: capture, extra: extra
            )
        ).command("install")
    }

    private func expect(
        _ result: DoorbellProcess.Result, _ status: Int32, _ words: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expect(result, status, words, sourceLocation: sourceLocation)
    }

    /// The exit code, the words on standard error, and that it is a sentence or three and no stack trace.
    private func expect(
        _ result: DoorbellProcess.Result, _ status: Int32, _ words: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.status == status, "\(result.error)", sourceLocation: sourceLocation)
        for word in words {
            #expect(result.error.contains(word), "\(result.error)", sourceLocation: sourceLocation)
        }
        #expect(result.error.split(separator: "\n").count <= 6, "\(result.error)", sourceLocation: sourceLocation)
        for word in ["Fatal error", "errno:", "Swift."] {
            #expect(!result.error.contains(word), "\(result.error)", sourceLocation: sourceLocation)
        }
    }

    /// Everything that an installation could leave behind in the database, as text.
    private func catalogue() throws -> [String] {
        try database.run(
            """
            select 'schema ' || nspname::text || coalesce(nspacl::text, '') from pg_namespace where nspname !~ '^pg_'
            union all select 'table ' || oid::regclass::text || coalesce(relacl::text, '') || relowner::regrole::text
                from pg_class where oid > 16383
            union all select 'trigger ' || tgname::text || tgrelid::regclass::text from pg_trigger where not tgisinternal
            union all select 'function ' || oid::regprocedure::text from pg_proc where oid > 16383
            union all select 'role ' || rolname::text from pg_roles where rolname = 'doorbell'
            union all select 'database ' || coalesce(datacl::text, '') from pg_database where datname = current_database()
            order by 1
            """
        ).compactMap { $0[0] }
    }
}
