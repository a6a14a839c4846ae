import DoorbellCore
import DoorbellTesting
import Foundation
import Testing

/// `doorbell doctor` in front of a running service, with proxies that are set up as people set them up.
@Suite(.serialized, .timeLimit(.minutes(3))) struct DoctorTests {
    static let cluster = Result { try ScratchPostgres() }

    let doorbell: DoorbellProcess
    /// Ends with the test.
    private let legacy: LegacyStub

    init() async throws {
        let conninfo = try Self.cluster.get().makeDatabase()
        try ScratchConnection(conninfo).run("create table notifications (id int primary key, body text)")
        legacy = try await LegacyStub()
        doorbell = try DoorbellProcess(
            configuration: """
                database: \(conninfo)
                upstream: \(legacy.url)
                limits: { heartbeat: 1s }
                features:
                  notifications:
                    poll: GET /notifications
                    tables: [{ name: notifications, channel: notifications }]
                    stage: push
                """)
        let installed = try doorbell.command("install")
        #expect(installed.status == 0, "\(installed.error)")
        try doorbell.serve()
        try await doorbell.untilReady()
    }

    private func examine(_ arguments: [String]) throws -> (status: Int32, findings: [String: Finding]) {
        struct Report: Decodable { let findings: [Finding] }
        let result = try doorbell.command("doctor", ["--json"] + arguments)
        let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        return (result.status, Dictionary(uniqueKeysWithValues: report.findings.map { ($0.id, $0) }))
    }

    private func examine(
        through proxy: ScratchNginx, patience: Int = 4
    ) throws -> (status: Int32, findings: [String: Finding]) {
        try examine([
            "--url", proxy.url, "--poll", "/notifications", "--log", proxy.accessLog, "--patience", "\(patience)",
        ])
    }

    @Test("a service that is well, behind an nginx that is set up well")
    func well() async throws {
        guard let proxy = try await ScratchNginx(to: doorbell.port, log: "path") else { return }
        let (status, found) = try examine(through: proxy)
        #expect(found.values.filter { $0.level != .ok } == [])
        #expect(status == 0)
        #expect(found.keys.filter { $0.hasPrefix("public") }.count == 7)
        #expect(found["public.websocket.idle"]?.text.contains("lives: 4 s with a heartbeat every 1 s") == true)
        #expect(found["public.longpoll"]?.text == "a poll was held for 4 s")
    }

    @Test("without a URL nothing is tried from outside, and that is said")
    func inside() throws {
        let (status, found) = try examine([])
        #expect(status == 0)
        #expect(found["public"]?.level == .skipped)
        #expect(found["legacy.reachable"]?.level == .ok)
        let text = try doorbell.command("doctor")
        #expect(text.output.contains("\nskipped  nothing was tried from outside\n         mend: Name the URL"))
        #expect(text.output.hasSuffix("1 skipped, 13 ok\n"))
    }

    @Test("what is known is printed while silence is still being watched")
    func early() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: DoorbellProcess.executable)
        process.arguments = [
            "doctor", "--config", doorbell.folder + "/doorbell.yaml", "--url", "http://127.0.0.1:\(doorbell.port)",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while !text.contains("the legacy API") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { break }
            text += String(decoding: data, as: UTF8.self)
        }
        #expect(process.isRunning)
        process.terminate()
        process.waitUntilExit()
        #expect(text.hasPrefix("ok       PostgreSQL "))
        #expect(!text.contains("WebSocket"), "\(text)")
    }

    @Test("an nginx that buffers event streams")
    func buffers() async throws {
        guard
            let proxy = try await ScratchNginx(
                to: doorbell.port,
                location: """
                    proxy_ignore_headers X-Accel-Buffering;
                    gzip on; gzip_types text/event-stream; gzip_min_length 0;
                    """)
        else { return }
        let (status, found) = try examine(through: proxy)
        #expect(status == 1)
        for id in ["public.events", "public.events.compressed"] {
            #expect(found[id]?.level == .fail, "\(found[id]?.text ?? id)")
            #expect(found[id]?.text.contains("held back") == true, "\(found[id]?.text ?? id)")
        }
        #expect(found["public.websocket.idle"]?.level == .ok)
    }

    @Test("an nginx that cuts silence, and that writes tokens down")
    func cuts() async throws {
        guard let proxy = try await ScratchNginx(to: doorbell.port, location: "proxy_read_timeout 700ms;") else {
            return
        }
        let (status, found) = try examine(through: proxy)
        #expect(status == 1)
        #expect(found["public.websocket"]?.level == .ok)
        #expect(found["public.websocket.idle"]?.text.contains("was closed after 1 s") == true)
        #expect(found["public.longpoll"]?.level == .fail)
        #expect(found["public.events"]?.text.contains("ended after") == true, "\(found["public.events"]?.text ?? "")")
        #expect(found["public.logs"]?.text.contains("has the values of ?token= in clear") == true)
    }

    @Test("an nginx that knows nothing of upgrades")
    func noUpgrade() async throws {
        guard let proxy = try await ScratchNginx(to: doorbell.port, upgrades: false) else { return }
        let (status, found) = try examine(through: proxy)
        #expect(status == 1)
        #expect(found["public.websocket"]?.level == .fail)
        #expect(found["public.websocket"]?.mend.contains("Upgrade") == true)
        #expect(found["public.events"]?.level == .ok)
    }

    @Test("a URL where nobody is, and one where somebody else is")
    func elsewhere() throws {
        let nobody = try examine(["--url", "http://127.0.0.1:\(try freePort())"])
        #expect(nobody.status == 1)
        #expect(nobody.findings["public.reachable"]?.text.contains("does not answer") == true)
        let other = try examine(["--url", legacy.url])
        #expect(other.findings["public.reachable"]?.text.contains("not as Doorbell does") == true)
    }

    @Test("a legacy API that is gone, and more connections than the machine allows")
    func machine() throws {
        let folder = try DoorbellProcess(
            configuration: """
                database: \(try Self.cluster.get().conninfo())
                upstream: http://127.0.0.1:\(try freePort())
                limits: { connections: 1000000 }
                features:
                  a: { poll: GET /a, channel: a }
                """)
        let result = try folder.command("doctor")
        #expect(result.status == 1)
        #expect(result.output.contains("fail     the legacy API at http://127.0.0.1:"))
        #expect(result.output.contains("not 1000000"))
        #expect(result.output.contains("Doorbell is not installed"))
    }

    @Test(
        "wrong usage",
        arguments: [
            (["--patience", "0"], "1 to 600"), (["--url", "app.example"], "https://app.example"),
            (["--url", "http://a/b"], "https://app.example"), (["--log", "x"], "go with --url"),
            (["--url", "http://a", "--poll", "b"], "a path like"),
            (["--url", "http://a", "--header", "b"], "Name: value"),
        ])
    func usage(arguments: [String], sentence: String) throws {
        let result = try doorbell.command("doctor", arguments)
        #expect(result.status == 64)
        #expect(result.error.contains(sentence), "\(result.error)")
    }
}
