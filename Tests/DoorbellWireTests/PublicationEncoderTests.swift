import DoorbellCore
import DoorbellWire
import Testing

@Suite struct PublicationEncoderTests {
    private func publication(data: Int, versions: [UInt16] = [1]) throws -> Publication {
        let text = Array("\"".utf8) + [UInt8](repeating: 0x78, count: data) + Array("\"".utf8)
        return Publication(
            feature: Feature(name: "f", poll: try PollPattern("GET /f"), tables: [], messageType: "say \"hi\""),
            channel: try #require(ChannelName("c")),
            position: Position(epoch: .max, tick: .max, seq: .max), previous: Position(epoch: 0, tick: 0, seq: 0),
            committedAt: Timestamp(microseconds: -1_500_000),
            content: .change(
                .insert,
                try versions.map { .init(version: try #require(SchemaVersion($0)), key: nil, data: text, changed: nil) }
            ))
    }

    @Test(
        "the frame header fits the payload at every size where it changes",
        arguments: [0, 1, 125, 126, 127, 1000, 65_300, 65_535, 65_536, 70_000])
    func sizes(_ size: Int) throws {
        let message = PublicationEncoder.encode(try publication(data: size), as: .first)
        let json = try GoldenServerMessageTests.payload(message)
        #expect(message.frame.count == message.payloadOffset + json.utf8.count)
        #expect(message.frame[..<message.payloadOffset].first == 0x81)
        #expect(json.hasSuffix(#"","timestamp":-1500}"#))
    }

    @Test("around each limit of the header the length is exact")
    func limits() throws {
        let fixed = PublicationEncoder.encode(try publication(data: 0), as: .first).payload.count
        for (length, offset) in [(65_534, 4), (65_535, 4), (65_536, 10)] {
            let message = PublicationEncoder.encode(try publication(data: length - fixed), as: .first)
            #expect(message.payload.count == length)
            #expect(message.payloadOffset == offset)
            _ = try GoldenServerMessageTests.payload(message)
        }
        for (padding, length, offset) in [(0, 15, 2), (110, 125, 2), (111, 126, 4)] {
            let id = padding == 0 ? nil : String(repeating: "1", count: padding - 6)
            let message = ServerMessage.pong(id: id).encoded()
            #expect((message.payload.count, message.payloadOffset) == (length, offset))
            _ = try GoldenServerMessageTests.payload(message)
        }
    }

    @Test("the largest numbers and a type that needs escapes are written whole")
    func extremes() throws {
        let json = try GoldenServerMessageTests.payload(PublicationEncoder.encode(publication(data: 0), as: .first))
        let max = UInt64.max
        #expect(
            json == #"{"type":"say \"hi\"","channel":"c","version":1,"position":"\#(max).\#(max)-\#(max)","#
                + #""previous":"0.0-0","op":"insert","data":"","timestamp":-1500}"#)
    }

    @Test("each version has its own rendition")
    func versions() throws {
        let publication = try publication(data: 1, versions: [1, 3])
        let json = try GoldenServerMessageTests.payload(
            PublicationEncoder.encode(publication, as: try #require(SchemaVersion(3))))
        #expect(json.contains(#""version":3"#))
    }

    @Test("a change without a rendition in the wanted version becomes a reset")
    func missingRendition() throws {
        let json = try GoldenServerMessageTests.payload(
            PublicationEncoder.encode(publication(data: 1), as: try #require(SchemaVersion(2))))
        let max = UInt64.max
        #expect(
            json == #"{"type":"reset","channel":"c","reason":"the change is not available in version 2","#
                + #""position":"\#(max).\#(max)-\#(max)"}"#)
    }

    @Test("a published reset is the same message as a reset of one client")
    func publishedReset() throws {
        let channel = try #require(ChannelName("orders:42"))
        let position = Position(epoch: 7, tick: 1042, seq: 88301)
        let publication = Publication(
            feature: Feature(name: "f", poll: try PollPattern("GET /f"), tables: []), channel: channel,
            position: position,
            previous: nil, committedAt: Timestamp(microseconds: 0), content: .reset(reason: "slow consumer"))
        #expect(
            Array(PublicationEncoder.encode(publication, as: .first).payload) == (try GoldenFiles.read("server-reset")))
    }

    @Test("an answer that is not JSON becomes a JSON string, whatever its bytes")
    func snapshots() {
        let body = { (answer: [UInt8]) in
            String(decoding: ServerMessage.Snapshot(status: 200, etag: nil, answer: answer).body, as: UTF8.self)
        }
        #expect(body(Array(" [1, 2] ".utf8)) == " [1, 2] ")
        #expect(body(Array("[1,]".utf8)) == #""[1,]""#)
        #expect(body([0x61, 0xFF, 0x62]) == "\"a\u{FFFD}b\"")
        #expect(body([]) == "null")
    }
}
