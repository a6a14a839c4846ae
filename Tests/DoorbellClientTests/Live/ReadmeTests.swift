import DoorbellClient
import Foundation
import Testing

/// The lines of adapters/swift/README.md, as a program has them. They are compiled; what they do is tested elsewhere.
private enum Readme {
    struct Notification: Decodable { let id: Int }
    struct Session { func token() async throws -> String { "t" } }

    static func ring(_ row: JSONValue?) {}
    static func show(_ answer: some Decodable) {}

    @Sendable static func loop() async throws {
        let feed = LiveFeed(
            "https://app.example/api/notifications", interval: .seconds(3), rows: RowList(order: "-id", limit: 20))
        Task { for try await change in feed.changes where change.operation == .insert { ring(change.data) } }
        Task { for try await status in feed.statuses { print(status.transport, status.reason) } }
        struct Answer: Decodable { let items: [Notification] }
        for try await state in feed.states {
            show(try state.decode(Answer.self))
        }
    }

    static func share(_ base: String, _ session: Session) async throws -> [LiveFeed] {
        var settings = LiveClient.Settings()
        settings.token = { try await session.token() }
        let client = LiveClient(settings)
        let (bell, rooms) = (client.feed("\(base)/api/notifications"), client.feed("\(base)/api/rooms"))
        return [bell, rooms]
    }
}

@Suite struct ReadmeTests {
    /// The lines of the README's Swift blocks without comments; not those of a Package.swift.
    private static func lines() throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(contentsOf: root.appendingPathComponent("adapters/swift/README.md"), encoding: .utf8)
        let blocks = readme.components(separatedBy: "```swift\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        return blocks.filter { !$0.hasPrefix(".package") }.joined().split(separator: "\n").map {
            $0.components(separatedBy: "  //")[0].trimmingCharacters(in: .whitespaces)
        }
    }

    @Test("what the README shows is what was compiled") func shown() throws {
        let compiled = try String(contentsOfFile: #filePath, encoding: .utf8).split(separator: "\n").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        let lines = try Self.lines()
        #expect(lines.count > 10)
        #expect(lines.filter { !compiled.contains($0) } == [])
    }

    @Test("feeds of one client are two feeds, which poll where the README says") func shared() async throws {
        let feeds = try await Readme.share("http://127.0.0.1:1", Readme.Session())
        #expect(feeds.count == 2)
        feeds.forEach { $0.close() }
    }
}
