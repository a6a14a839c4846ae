import DoorbellCore
import Testing

@testable import DoorbellAssess

@Suite struct ReplayTests {
    private static let begin: Int64 = 1_780_000_000_000

    private func changes(_ seconds: [Double], _ path: String = "/a") throws -> ChangeLog {
        let lines = seconds.map { "\(Double(Self.begin) / 1000 + $0),\(path)\n" }
        return try ChangeLog(Array(lines.joined().utf8), name: "changes.csv")
    }

    private func replay(_ changes: ChangeLog, polls seconds: [Int64], client: UInt64 = 1, target: String = "/a?since=1")
        -> Replay.Tally
    {
        var replay = Replay(changes)
        for second in seconds {
            var entry = LogEntry()
            entry.time = Self.begin + second * 1000
            entry.client = client
            entry.url = 7
            entry.method = .get
            entry.bytes = 1000
            replay.add(entry, at: 2, target: Array(target.utf8))
        }
        return replay.tallies[2] ?? Replay.Tally()
    }

    @Test func `polls every 5 s bring three changes in two polls, push would have sent three messages`() throws {
        let tally = replay(try changes([31, 12, 13]), polls: Array(stride(from: 0, through: 100, by: 5)))
        #expect(tally.polls == 20)
        #expect(tally.needed == 2)
        #expect(tally.messages == 3)
        #expect(tally.bytes == 20_000)
        #expect(tally.messageBytes == 3000)
        // 15 - 12, 15 - 13, 35 - 31.
        #expect(tally.waits.filled.map { $0.length.rounded() } == [2, 3, 4])
    }

    @Test func `a change at the moment of a poll was brought by it, and is not brought again`() throws {
        let tally = replay(try changes([10]), polls: [0, 5, 10, 15])
        #expect(tally.needed == 1)
        #expect(tally.messages == 1)
    }

    @Test func `who was away is told nothing by either`() throws {
        let tally = replay(try changes([200]), polls: [0, 5, 400, 405])
        #expect(tally.polls == 2)
        #expect(tally.messages == 0)
    }

    @Test func `URLs without changes in the file are left out`() throws {
        #expect(replay(try changes([10]), polls: [0, 5, 10], target: "/b").polls == 0)
    }

    @Test func `times are RFC 3339, as PostgreSQL writes them, or since 1970`() throws {
        let text = """
            at,path
            2026-05-28T20:26:40Z,/a
            2026-05-28 20:26:41.5+00,"/a"
            1780000002,/a
            1780000003000,/a\r

            """
        let log = try ChangeLog(Array(text.utf8), name: "changes.csv")
        #expect(log.count == 4)
        let begin = Self.begin
        #expect(
            log.changes(of: Array("/a?x=1".utf8), after: begin - 1, through: begin + 3000).map { $0 - begin } == [
                0, 1500, 2000, 3000,
            ])
    }

    @Test func `what is no change is refused with its line`() {
        func message(_ text: String) -> String? {
            #expect(throws: DoorbellError.self) { try ChangeLog(Array(text.utf8), name: "changes.csv") }?.message
        }
        #expect(message("1780000002,/a\nhello\n") == "changes.csv:2 is no change")
        #expect(
            message("1780000002,orders\n")
                == "changes.csv:1: what changed must be the path of a polled URL, with its '/'")
    }
}
