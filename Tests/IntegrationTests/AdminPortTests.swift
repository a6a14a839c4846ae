import DoorbellCore
import DoorbellTestSupport
import DoorbellTesting
import Foundation
import Testing

/// The admin port over a socket: the dashboard's files, who may read, who may move features, and the live tail.
@Suite(.serialized, .timeLimit(.minutes(3))) struct AdminPortTests {
    static let cluster = Result { try ScratchPostgres() }
    static let token = "0123456789abcdef-token"

    /// A service with one feature, on a database of its own.
    private struct Running {
        let database: ScratchConnection
        let doorbell: DoorbellProcess
        private let legacy: LegacyStub

        init(admin: String = "127.0.0.1", token: String? = AdminPortTests.token) async throws {
            let conninfo = try AdminPortTests.cluster.get().makeDatabase()
            database = try ScratchConnection(conninfo)
            try database.run("create table notes (id int primary key, body text)")
            legacy = try await LegacyStub()
            doorbell = try DoorbellProcess(
                configuration: """
                    database: \(conninfo)
                    upstream: \(legacy.url)
                    features:
                      notes:
                        poll: GET /notes
                        tables: [{ name: notes, channel: notes }]
                        stage: shadow
                    """, admin: admin, adminToken: token)
            let installed = try doorbell.command("install")
            #expect(installed.status == 0, "\(installed.error)")
            try doorbell.serve()
            try await doorbell.untilReady()
        }
    }

    private let running: Running
    private var database: ScratchConnection { running.database }
    private var doorbell: DoorbellProcess { running.doorbell }

    init() async throws { running = try await Running() }

    private struct Answer {
        let status: Int
        let head: String
        let body: String
    }

    /// With curl, as anybody would; status 0 when there is no answer.
    private func curl(_ path: String, _ arguments: [String] = [], of doorbell: DoorbellProcess? = nil) throws -> Answer
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let port = (doorbell ?? self.doorbell).adminPort
        process.arguments = ["curl", "-s", "-i", "-m", "10"] + arguments + ["http://127.0.0.1:\(port)\(path)"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let halves = text.range(of: "\r\n\r\n")
        let head = halves.map { String(text[..<$0.lowerBound]) } ?? text
        return Answer(
            status: head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0, head: head.lowercased(),
            body: halves.map { String(text[$0.upperBound...]) } ?? "")
    }

    private func header(_ name: String, _ value: String) -> [String] { ["-H", "\(name): \(value)"] }
    private var bearer: [String] { header("Authorization", "Bearer \(Self.token)") }
    private var json: [String] { header("Content-Type", "application/json") }

    private func move(_ body: String, _ arguments: [String], feature: String = "notes") throws -> Answer {
        try curl("/stages/\(feature)", ["-X", "POST", "--data", body] + arguments)
    }

    private func stage() throws -> String {
        try database.run("select stage || coalesce(' ' || percent::real, '') from doorbell.stages").first?.first?
            .flatMap(\.self) ?? "-"
    }

    @Test("the dashboard is served whole, once, and keeps browsers from what it does not need")
    func files() throws {
        let redirect = try curl("/")
        #expect(redirect.status == 302 && redirect.head.contains("location: dashboard/"))
        #expect(try curl("/dashboard").head.contains("location: dashboard/"))
        let page = try curl("/dashboard/")
        #expect(page.status == 200 && page.head.contains("content-type: text/html"))
        for part in [
            "content-security-policy: default-src 'self'", "frame-ancestors 'none'", "x-frame-options: deny",
            "x-content-type-options: nosniff", "referrer-policy: no-referrer",
        ] { #expect(page.head.contains(part), "\(page.head)") }
        #expect(!page.head.contains("unsafe") && !page.body.contains("<style") && page.body.contains("app.js"))
        let script = try curl("/dashboard/app.js")
        #expect(script.status == 200 && script.head.contains("content-type: text/javascript"))
        let tag = try #require(
            script.head.split(separator: "\r\n").first { $0.hasPrefix("etag: ") }.map { String($0.dropFirst(6)) })
        let again = try curl("/dashboard/app.js", header("If-None-Match", tag))
        #expect(again.status == 304 && again.body.isEmpty)
        #expect(try curl("/dashboard/..%2fPackage.swift").status == 404)
        #expect(try curl("/dashboard/nothing.js").status == 404)
        #expect(try curl("/nothing").body.contains("there is nothing here"))
    }

    @Test("the public port serves nothing of it")
    func publicPort() async throws {
        let page = try await doorbell.get("/dashboard/")
        #expect(page.body == "{}")
        #expect(try await doorbell.get("/stages/history").body == "{}")
    }

    @Test("whoever is refused is told why, and nothing is moved")
    func refused() throws {
        let body = #"{"stage":"push","why":"x"}"#
        let cases: [([String], Int, String)] = [
            (json, 401, "token_missing"), (json + header("Authorization", "Bearer nothing"), 401, "wrong_token"),
            (bearer, 415, "not_json"), (bearer + header("Content-Type", "text/plain"), 415, "not_json"),
            (bearer + json + header("Origin", "http://evil.example"), 403, "other_site"),
            (bearer + json + header("Sec-Fetch-Site", "cross-site"), 403, "other_site"),
        ]
        for (arguments, status, code) in cases {
            let answer = try move(body, arguments)
            #expect(answer.status == status && answer.body.contains("\"code\":\"\(code)\""), "\(answer)")
        }
        for bad in ["", "{", "[]", #"{"stage":"pushh"}"#, #"{"stage":"canary"}"#, #"{"percent":5}"#] {
            let answer = try move(bad, bearer + json)
            #expect(answer.status == 400 && answer.body.contains(#""code":"usage""#), "\(bad): \(answer)")
        }
        #expect(try move(body, bearer + json, feature: "nots").body.contains("Did you mean 'notes'?"))
        #expect(try move(body, bearer + json, feature: "nots").status == 404)
        #expect(try move(String(repeating: " ", count: 20_000) + body, bearer + json).status == 413)
        for arguments in [header("Host", "evil.example"), header("Sec-Fetch-Site", "cross-site")] {
            #expect(try curl("/status", arguments).status == 403)
            #expect(try curl("/stages/history", arguments).status == 403)
            // What holds no figures is open: metrics for those who scrape it by a name.
            #expect(try curl("/metrics", arguments).status == 200)
        }
        #expect(try curl("/stages/history?feature=nots").status == 404)
        #expect(try stage() == "-")
        #expect(try database.run("select count(*) from doorbell.audit") == [["0"]])
    }

    @Test("a feature is moved as by the command, with who and why in the log, once for what somebody saw")
    func moved() async throws {
        let first = try move(#"{"stage":"canary","percent":5,"why":"begin","by":"Ann","revision":0}"#, bearer + json)
        #expect(first.status == 200 && first.body.contains(#""percent" : 5"#), "\(first)")
        #expect(try stage() == "canary 5")
        #expect(try database.run("select who, why from doorbell.audit") == [["Ann (dashboard)", "begin"]])
        // Somebody else's page still shows what was before.
        let late = try move(#"{"stage":"observe","revision":0}"#, bearer + json)
        #expect(late.status == 409 && late.body.contains("Nothing was changed"), "\(late)")
        let browser =
            header("Origin", "http://127.0.0.1:\(doorbell.adminPort)") + header("Sec-Fetch-Site", "same-origin")
        #expect(try move(#"{"percent":7.5}"#, bearer + json + browser).status == 200)
        #expect(try stage() == "canary 7.5")
        let log = try curl("/stages/history?feature=notes&limit=1")
        #expect(log.status == 200 && log.body.contains(#""percent" : 7.5"#) && !log.body.contains("begin"))
        #expect(try curl("/stages/history").body.contains(#""feature" : "notes""#))
        try await eventually("the service follows") {
            (try? curl("/status").body.contains(#""percent" : 7.5"#)) == true
        }
        #expect(doorbell.log.contains("a feature was moved on the admin port"))
    }

    @Test("the tail shows a change that was just made, and what it holds to whoever has the token")
    func tail() async throws {
        let folder = doorbell.folder
        let viewers = try [("plain", [String]()), ("token", bearer)].map { name, arguments in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments =
                ["curl", "-s", "-N", "-o", "\(folder)/\(name)"] + arguments
                + ["http://127.0.0.1:\(doorbell.adminPort)/tail?feature=notes"]
            try process.run()
            return process
        }
        defer { for viewer in viewers { viewer.terminate() } }
        func seen(_ name: String) -> String {
            (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
        }
        try await eventually("both watch") { seen("plain").contains("watching") && seen("token").contains("watching") }
        try database.run("insert into notes values (1, 'secret')")
        try await eventually("both see it") {
            seen("plain").contains(#""operation":"insert""#) && seen("token").contains("secret")
        }
        #expect(!seen("plain").contains("secret") && !seen("plain").contains("content"))
        // The streams do not hold up the end.
        let began = ContinuousClock.now
        #expect(doorbell.terminate() == 0)
        #expect(ContinuousClock.now - began < .seconds(20))
    }

    @Test("beyond this machine only metrics and health are open; the commands send the token")
    func network() async throws {
        let silent = try await Running(admin: "0.0.0.0", token: nil)
        let closed = silent.doorbell
        #expect(closed.log.contains("shows metrics and health only"))
        #expect(try curl("/status", of: closed).status == 403)
        #expect(try curl("/metrics", of: closed).status == 200)
        #expect(try curl("/health/live", of: closed).status == 200)
        let refused = try closed.command("connections")
        #expect(refused.status == 75 && refused.error.contains("admin: { token: ${ADMIN_TOKEN} }"), "\(refused)")
        let guarded = try await Running(admin: "0.0.0.0")
        let open = guarded.doorbell
        #expect(try curl("/status", of: open).status == 401)
        #expect(try curl("/status", bearer, of: open).status == 200)
        for command in ["connections", "compare", "parity", "pollers", "gate"] {
            let result = try open.command(command)
            #expect(result.status == 0, "\(command): \(result.error)")
        }
    }
}
