import DoorbellCore
import DoorbellServer
import Testing

@testable import Doorbell

/// The live tail: what is shown, and its bounds.
@Suite struct TailTests {
    private let feature: Feature
    private let now = Timestamp(microseconds: 1_000_000_000)

    init() throws {
        feature = Feature(
            name: "notes", poll: try PollPattern("GET /notes"), tables: [], channel: try ChannelTemplate("notes:{id}"),
            messageType: "note")
    }

    private func draft(_ number: Int, channel: String = "notes:7", data: String = "{\"id\":1}") throws -> Draft {
        let rendition = Publication.Rendition(
            version: .first, key: Array("{}".utf8), data: Array(data.utf8), changed: nil)
        return Draft(
            feature: feature, audience: .channel(try #require(ChannelName(channel))),
            content: .change(.insert, [rendition]), position: Position(epoch: 1, tick: 2, seq: UInt64(number)),
            committedAt: now)
    }

    /// What has been said to the viewer, without waiting for more.
    private func lines(_ board: TailBoard, _ stream: AsyncStream<String>) async -> [String] {
        board.close()
        var lines: [String] = []
        for await line in stream { lines.append(line) }
        return lines
    }

    @Test("a viewer sees changes and who was told, with content only when they may")
    func shown() async throws {
        let board = TailBoard()
        let open = try #require(board.watch(TailViewer(withContent: true)))
        let plain = try #require(board.watch(TailViewer()))
        board.captured([try draft(3)])
        let publication = Publication(
            feature: feature, channel: try #require(ChannelName("notes:7")),
            position: Position(epoch: 1, tick: 2, seq: 3), previous: nil, committedAt: now, content: .signal)
        board.told(
            PushDelivery(
                publications: [publication], subscribers: 4, bytes: 400, at: now.advanced(by: .milliseconds(5))))
        let seen = await lines(board, open)
        #expect(seen.count == 3 && seen[0] == ": watching\n\n")
        #expect(seen[1].hasPrefix("event: change\ndata: {") && seen[1].hasSuffix("}\n\n"))
        for part in [
            #""channel":"notes:7""#, #""feature":"notes""#, #""position":"1.2-3""#, #""type":"note""#,
            #""operation":"insert""#, #""bytes":8"#, #""content":"{\"id\":1}""#,
        ] { #expect(seen[1].contains(part), "\(seen[1])") }
        #expect(seen[2].hasPrefix("event: told\n") && seen[2].contains(#""clients":4"#))
        #expect(seen[2].contains(#""bytes":400"#) && seen[2].contains(#""lag":0.005"#))
        var rest: [String] = []
        for await line in plain { rest.append(line) }
        #expect(rest.count == 3 && !rest[1].contains("content"))
    }

    @Test("a viewer sees the feature and the channels that were asked for")
    func filtered() async throws {
        let board = TailBoard()
        let other = try #require(board.watch(TailViewer(feature: "orders")))
        let seven = try #require(board.watch(TailViewer(channel: "notes:7")))
        board.captured([try draft(1), try draft(2, channel: "notes:8"), try draft(3, channel: "notes:77")])
        #expect(await lines(board, seven).count == 3)
        var rest = 0
        for await _ in other { rest += 1 }
        #expect(rest == 1)
    }

    @Test("past so many lines a second the rest is counted, and the viewer is told once")
    func tooMany() throws {
        var viewer = TailViewer()
        let admitted = (0..<200).count { _ in viewer.admits(now: now) }
        #expect(admitted == TailViewer.linesPerSecond && viewer.dropped == 150)
        #expect(viewer.news == 150)
        viewer.report(150)
        #expect(viewer.news == nil)
        let isAdmitted = viewer.admits(now: now.advanced(by: .seconds(1)))
        #expect(isAdmitted)
        viewer.lost()
        #expect(viewer.news == 151)
    }

    @Test("a viewer that does not read costs so many lines and no more")
    func slow() async throws {
        let board = TailBoard()
        let stream = try #require(board.watch(TailViewer()))
        let publication = Publication(
            feature: feature, channel: try #require(ChannelName("notes:7")),
            position: Position(epoch: 1, tick: 2, seq: 3), previous: nil, committedAt: now, content: .signal)
        for second in 0..<20 {
            for _ in 0..<40 {
                board.told(
                    PushDelivery(
                        publications: [publication], subscribers: 1, bytes: 1, at: now.advanced(by: .seconds(second))))
            }
        }
        // There is no room to say so either; it is said once there is.
        board.tick()
        var iterator = stream.makeAsyncIterator()
        for _ in 0..<10 { _ = await iterator.next() }
        board.tick()
        board.tick()
        board.close()
        var rest: [String] = []
        while let line = await iterator.next() { rest.append(line) }
        #expect(rest.count == TailBoard.waiting - 10 + 1)
        #expect(rest.last == "event: dropped\ndata: {\"dropped\":545}\n\n")
    }

    @Test("long content is shown by its beginning")
    func long() throws {
        let data = "\"" + String(repeating: "é", count: 10_000) + "\""
        let line = TailLine(try draft(1, data: data), now: now, withContent: true)
        #expect(line.bytes == 20_002)
        #expect((line.content ?? "").utf8.count <= TailLine.maximumContent + 6 && line.content?.hasSuffix("…") == true)
    }

    @Test("there are so many viewers at once, a place is free again when one goes, and none after the end")
    func viewers() async throws {
        let board = TailBoard()
        var streams = (0..<TailBoard.maximumViewers).compactMap { _ in board.watch(TailViewer()) }
        #expect(streams.count == TailBoard.maximumViewers && board.watch(TailViewer()) == nil)
        streams.removeLast()
        #expect(board.viewers == TailBoard.maximumViewers - 1)
        #expect(board.watch(TailViewer()) != nil)
        board.close()
        #expect(board.watch(TailViewer()) == nil)
        for stream in streams { for await _ in stream {} }
        #expect(board.viewers == 0)
    }
}
