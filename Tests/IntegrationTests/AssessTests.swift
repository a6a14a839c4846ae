import DoorbellTesting
import Foundation
import Testing

/// `doorbell assess` as a user runs it.
@Suite struct AssessTests {
    private let doorbell: DoorbellProcess

    init() throws {
        doorbell = try DoorbellProcess(configuration: "database: postgresql://127.0.0.1/none\n")
        var log: [UInt8] = []
        AccessLogGenerator(duration: 900).run { line, _ in log += line }
        try Data(log).write(to: URL(fileURLWithPath: path("access.log")))
    }

    private func path(_ name: String) -> String { doorbell.folder + "/" + name }

    private func read(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    private func run(_ arguments: String...) throws -> DoorbellProcess.Result { try DoorbellProcess.run(arguments) }

    @Test func `a log becomes a table, JSON, a page and a configuration that check accepts`() throws {
        let table = try run("assess", path("access.log"))
        #expect(table.status == 0)
        #expect(table.output.contains("push         GET /api/users/{user_id}/notifications"))
        #expect(table.output.contains("(more-than-one-a-minute)"))
        let all = try run(
            "assess", path("access.log"), "--json", "--html", path("report.html"), "--config", path("start.yaml"))
        #expect(all.status == 0)
        let json = try #require(try JSONSerialization.jsonObject(with: Data(all.output.utf8)) as? [String: Any])
        #expect((json["endpoints"] as? [Any])?.isEmpty == false)
        #expect(try read("report.html").contains("<svg"))
        let check = try run("check", "--offline", "--config", path("start.yaml"))
        #expect(check.status == 0, "\(check.error)")
        #expect(check.output.contains("notifications"))
    }

    @Test func `files that exist are not replaced, unless it is said`() throws {
        try "mine".write(toFile: path("start.yaml"), atomically: true, encoding: .utf8)
        let refused = try run("assess", path("access.log"), "--config", path("start.yaml"))
        #expect(refused.status == 64)
        #expect(refused.error.contains("start.yaml exists and is not replaced"))
        #expect(try read("start.yaml") == "mine")
        #expect(
            try run("assess", path("access.log"), "--config", path("start.yaml"), "--force").status == 0)
        #expect(try read("start.yaml").contains("features:"))
        let nowhere = try run("assess", path("access.log"), "--html", path("none/report.html"))
        #expect(nowhere.status == 71)
        #expect(nowhere.error.contains("there is no folder"))
    }

    @Test func `pages go to standard output, into pipes and through links, which stay what they are`() throws {
        let printed = try run("assess", path("access.log"), "--html", "-")
        #expect(printed.status == 0 && printed.output.hasPrefix("<!DOCTYPE html>"), "\(printed.error)")
        #expect(mkfifo(path("pipe"), 0o600) == 0)
        let reader = Process()
        reader.executableURL = URL(fileURLWithPath: "/bin/sh")
        reader.arguments = ["-c", "cat '\(path("pipe"))' > '\(path("copy.html"))'"]
        try reader.run()
        // Not replaced, so nothing is forced.
        #expect(try run("assess", path("access.log"), "--html", path("pipe")).status == 0)
        reader.waitUntilExit()
        #expect(try read("copy.html").contains("<svg"))
        try "mine".write(toFile: path("target.html"), atomically: true, encoding: .utf8)
        try FileManager.default.createSymbolicLink(atPath: path("link.html"), withDestinationPath: path("target.html"))
        #expect(try run("assess", path("access.log"), "--html", path("link.html")).status == 64)
        #expect(try run("assess", path("access.log"), "--html", path("link.html"), "--force").status == 0)
        #expect(try read("target.html").contains("<svg"))
        let type = try FileManager.default.attributesOfItem(atPath: path("link.html"))[.type] as? FileAttributeType
        #expect(type == .typeSymbolicLink)
    }

    @Test func `what is no log gets a sentence and an exit code`() throws {
        for (name, part) in [
            ("none.log", "No such file or directory"), ("", "is a directory"),
            ("doorbell.yaml", "is in no format that is known"),
        ] {
            let result = try run("assess", path(name))
            #expect(result.status == 64)
            #expect(result.error.contains(part), "\(result.error)")
        }
    }
}
