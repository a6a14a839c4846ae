import DoorbellClient
import DoorbellCore
import DoorbellTestSupport
import DoorbellTesting
import Foundation
import Testing

/// The command with `tls` in its configuration.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SecureServiceTests {
    static let cluster = Result { try ScratchPostgres() }

    private static func configuration(_ conninfo: String, upstream: String) -> String {
        """
        database: \(conninfo)
        upstream: \(upstream)
        tls: { certificate: certificate.pem, key: key.pem, checkInterval: 1s }
        features:
          notes:
            poll: GET /notes
            tables: [{ name: notes, channel: notes }]
            stage: push
        """
    }

    private func makeCertificate(in folder: String, name: String) async throws {
        let status = try await run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=\(name)", "-keyout", folder + "/key.pem", "-out", folder + "/certificate.pem",
        ]).status
        try #require(status == 0)
    }

    private func run(_ arguments: [String]) async throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }

    @Test("check reads the files beside the configuration, and says what is wrong with them")
    func check() async throws {
        let doorbell = try DoorbellProcess(
            configuration: Self.configuration("host=127.0.0.1 dbname=x", upstream: "http://127.0.0.1:1"))
        let missing = try doorbell.command("check", ["--offline"])
        #expect(missing.status == 78 && missing.error.contains("certificate.pem' cannot be read"))
        try await makeCertificate(in: doorbell.folder, name: "one.test")
        #expect(try doorbell.command("check", ["--offline"]).status == 0)
        let key = try String(contentsOfFile: doorbell.folder + "/key.pem", encoding: .utf8)
        try await makeCertificate(in: doorbell.folder, name: "two.test")
        try key.write(toFile: doorbell.folder + "/key.pem", atomically: true, encoding: .utf8)
        let unpaired = try doorbell.command("check", ["--offline"])
        #expect(unpaired.status == 78 && unpaired.error.contains("is not the key of the first certificate"))
        #expect(!unpaired.error.contains("BEGIN"))
    }

    @Test("polls over HTTP/2, a WebSocket over TLS, a new certificate while it runs, and a drain")
    func serve() async throws {
        let conninfo = try Self.cluster.get().makeDatabase()
        let database = try ScratchConnection(conninfo)
        try database.run("create table notes (id int primary key, body text)")
        let legacy = try await LegacyStub()
        let doorbell = try DoorbellProcess(configuration: Self.configuration(conninfo, upstream: legacy.url))
        try await makeCertificate(in: doorbell.folder, name: "one.test")
        #expect(try doorbell.command("install").status == 0)
        try doorbell.serve()
        try await doorbell.untilReady()
        let poll = try await doorbell.get("/notes")
        #expect(poll.status == 200 && poll.headers.hasPrefix("HTTP/2 200"))
        #expect(poll.headers.contains("doorbell-transport: push"))

        async let tail = run([
            DoorbellProcess.executable, "tail", "notes", "--count", "1", "--json", "--config",
            doorbell.folder + "/doorbell.yaml",
        ])
        try await eventually("tail has subscribed") {
            try await doorbell.get("/metrics", port: doorbell.adminPort).body.contains("\ndoorbell_subscriptions 1\n")
        }
        try database.run("insert into notes values (1, 'over TLS')")
        #expect(try await tail.text.contains("over TLS"))

        try await makeCertificate(in: doorbell.folder, name: "two.test")
        try await eventually("the new certificate is shown") {
            try await run(["openssl", "s_client", "-connect", "127.0.0.1:\(doorbell.port)"]).text.contains("two.test")
        }
        #expect(try await doorbell.get("/notes").status == 200)
        #expect(doorbell.terminate() == 0)
    }
}
