import Doorbell
import DoorbellAssess
import DoorbellCore
import DoorbellTesting
import Foundation
import Testing

/// What `doorbell assess --config` writes is a configuration.
@Suite struct StartingConfigurationTests {
    private func assess(_ lines: (_ emit: ([UInt8]) -> Void) -> Void) throws -> Assessment {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "doorbell-assess-\(UUID().uuidString).log")
        defer { try? FileManager.default.removeItem(at: file) }
        var bytes: [UInt8] = []
        lines { bytes += $0 }
        try Data(bytes).write(to: file)
        return try LogAssessor().assess([file.path])
    }

    @Test func `every endpoint that is worth it is a feature, and the file is accepted as it stands`() throws {
        let assessment = try assess { emit in
            AccessLogGenerator(duration: 1800).run { line, _ in emit(copy line) }
        }
        let text = try #require(assessment.startingConfiguration)
        let configuration = try Configuration.parse(text, file: "doorbell.yaml", environment: [:])
        let moved = assessment.endpoints.filter { $0.verdict.isWorthIt && $0.figures.method == "GET" }
        #expect(moved.count >= 5)
        #expect(Set(configuration.features.map(\.poll.source)) == Set(moved.map { "GET \($0.figures.route)" }))
        let notifications = try #require(configuration.features.first { $0.name == "notifications" })
        #expect(notifications.poll.source == "GET /api/users/{user_id}/notifications")
        #expect(notifications.start.stage == .observe)
        #expect(notifications.mode == .signal)
        #expect(notifications.interval == .seconds(5))
    }

    @Test func `routes of any characters make a configuration, or none`() throws {
        let targets = [
            "/a b", "/{x}", "/a/{", "/a#b", "/a:b", "/'q'", "/a?action=b", "/%zz", "/é", "/status/status", "/x/status",
            "/-", "/42", "/a//b",
        ]
        let assessment = try assess { emit in
            for second in 0..<600 where second % 5 == 0 {
                for target in targets {
                    let clock =
                        "28/May/2026:20:\(second / 60 < 10 ? "0" : "")\(second / 60):\(second % 60 < 10 ? "0" : "")\(second % 60) +0000"
                    emit(
                        Array(
                            "192.0.2.7 - - [\(clock)] \"GET \(target) HTTP/1.1\" 200 \(second) \"-\" \"Mozilla/5.0\"\n"
                                .utf8))
                }
            }
        }
        let text = try #require(assessment.startingConfiguration)
        #expect(try Configuration.parse(text, file: "doorbell.yaml", environment: [:]).features.count >= 4)
    }
}
