import DoorbellCore
import DoorbellWire
import Testing

@Suite struct ServerSentEventTests {
    static let position = Position(epoch: 7, tick: 1042, seq: 88301)

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test(
        "each publication is an event without a name, with its position as id and its JSON as data",
        arguments: GoldenPublication.all)
    func publications(_ golden: GoldenPublication) throws {
        let message = PublicationEncoder.encode(try golden.publication(), as: golden.version)
        let json = String(decoding: try GoldenFiles.read(golden.name), as: UTF8.self)
        let event = ServerSentEvent.encode(message, id: message.position)
        #expect(text(event) == "id: \(golden.position)\ndata: \(json)\n\n")
        #expect(EventStreamReader(event).events == [.init(type: "message", data: json, lastEventID: golden.position)])
    }

    @Test(
        "every other message is an event too, and only those with a position have an id",
        arguments: GoldenServerMessageTests.messages)
    func messages(_ golden: (name: String, message: ServerMessage)) throws {
        let message = golden.message.encoded()
        let json = String(decoding: try GoldenFiles.read(golden.name), as: UTF8.self)
        #expect(json.hasPrefix(#"{"type":"\#(message.type)""#))
        let id = ["subscribed", "reset", "answer"].contains(message.type) ? message.position?.description : ""
        let read = EventStreamReader(ServerSentEvent.encode(message, id: message.position))
        // Line breaks of a body are read back as line feeds.
        #expect(read.events.map(\.type) == ["message"])
        #expect(read.events.first?.data == json)
        #expect(read.events.first?.lastEventID == id)
        #expect(read.strays == 0)
    }

    @Test("an event is made once, with and without an id; one with a foreign id is made anew")
    func shared() throws {
        let message = ServerMessage.reset(
            channel: try #require(ChannelName("c")), reason: "r", position: Self.position
        ).encoded()
        let address = { (bytes: [UInt8]) in bytes.withUnsafeBufferPointer { $0.baseAddress } }
        let own = ServerSentEvent.encode(message, id: Self.position)
        #expect(address(ServerSentEvent.encode(message, id: Self.position)) == address(own))
        let without = ServerSentEvent.encode(message, id: nil)
        #expect(address(ServerSentEvent.encode(message, id: nil)) == address(without))
        #expect(EventStreamReader(without).lastEventID == "")
        let other = Position(epoch: 1, tick: 2, seq: 3)
        #expect(EventStreamReader(ServerSentEvent.encode(message, id: other)).lastEventID == "1.2-3")
        #expect(text(ServerSentEvent.encode(message, id: Self.position)) == text(own))
    }

    @Test("threads that ask for the same event at once get the same bytes")
    func concurrent() async throws {
        for _ in 0..<50 {
            let message = ServerMessage.pong(id: "1").encoded()
            let events = await withTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<8 { group.addTask { ServerSentEvent.encode(message, id: nil) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(events.map { $0.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }).count == 1)
        }
    }

    @Test(
        "line breaks between JSON values do not end the data",
        arguments: ["{\n}", "{\r}", "{\r\n}", "\n{}", "{}\n", "\n\n{\r\r}\r\n\n", "{\n\r}"])
    func lineBreaks(_ json: String) {
        let event = ServerSentEvent(id: Self.position, data: bytes(json)[...]).encoded()
        let expected = json.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        #expect(
            EventStreamReader(event).events == [.init(type: "message", data: expected, lastEventID: "7.1042-88301")])
    }

    @Test("spaces at the beginning of data stay")
    func spaces() {
        #expect(EventStreamReader(ServerSentEvent(data: bytes("  1")[...]).encoded()).events.first?.data == "  1")
    }

    @Test("an event name cannot begin another field", arguments: ["a\nid: 1.1-1", "a\rdata: x", "\n\n", ""])
    func names(_ name: String) {
        let read = EventStreamReader(ServerSentEvent(event: name, data: bytes("1")[...]).encoded())
        #expect(read.events == [.init(type: "message", data: "1", lastEventID: "")])
    }

    @Test("a slice of data is written, not the array it is of")
    func slices() {
        #expect(text(ServerSentEvent(data: bytes("abcdef")[2..<4]).encoded()) == "data: cd\n\n")
    }

    @Test("retry, an id alone and heartbeats call no listener")
    func silent() {
        let stream =
            ServerSentEvent(retry: 1250).encoded() + ServerSentEvent(id: Self.position).encoded()
            + ServerSentEvent.heartbeat + ServerSentEvent(retry: -1).encoded()
        #expect(text(stream) == "retry: 1250\n\nid: 7.1042-88301\n\n:\n\nretry: 0\n\n")
        let read = EventStreamReader(stream)
        #expect(read.events.isEmpty)
        #expect(read.lastEventID == "7.1042-88301")
        #expect(read.retry == 0)
        #expect(read.strays == 0)
    }
}
