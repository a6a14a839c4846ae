import DoorbellCore
import DoorbellWire
import Testing

@Suite struct ServerMessageLimitTests {
    private func text(_ message: ServerMessage) throws -> String {
        try GoldenServerMessageTests.payload(message.encoded())
    }

    @Test("a response above the limit is not made")
    func longAnswer() {
        let limit = ServerMessage.Response.maximumBodyLength
        let response = { (count: Int) in
            ServerMessage.Response(
                id: "1", status: 200, headers: [], answer: [UInt8](repeating: 0x61, count: count))
        }
        #expect(response(limit) != nil)
        #expect(response(limit + 1) == nil)
    }

    @Test("headers above the limit are left out")
    func manyHeaders() throws {
        let headers = (0..<200).map { HeaderField("h\($0)", "") }
        let response = try #require(ServerMessage.Response(id: "1", status: 200, headers: headers, answer: []))
        #expect(response.headers == Array(headers.prefix(128)))
    }

    @Test(
        "only a body that says it is JSON, and is, stands in the response as JSON",
        arguments: [
            ("application/json", "42", "42"), ("Application/JSON ;charset=utf-8", "[ ]", "[ ]"),
            ("application/vnd.api+json", "{}", "{}"), ("text/plain", "42", "\"42\""),
            ("application/json", "{", "\"{\""), ("application/json-seq", "1", "\"1\""), (nil, "1", "\"1\""),
        ])
    func json(_ type: String?, _ answer: String, _ body: String) throws {
        let headers = type.map { [HeaderField("Content-Type", $0)] } ?? []
        let response = try #require(
            ServerMessage.Response(id: "1", status: 200, headers: headers, answer: Array(answer.utf8)))
        #expect(try text(.response(response)).hasSuffix(#""body":\#(body)}"#))
    }

    @Test(
        "bytes that are no text are base64",
        arguments: [([0xFF], "/w=="), ([0xFF, 0xFE], "//4="), ([0xFF, 0, 1], "/wAB")])
    func base64(_ answer: [UInt8], _ body: String) throws {
        let response = try #require(ServerMessage.Response(id: "1", status: 200, headers: [], answer: answer))
        #expect(try text(.response(response)).hasSuffix(#""body":"\#(body)","encoding":"base64"}"#))
    }

    @Test("of very many members the first are told, and how many there are")
    func manyMembers() throws {
        let channel = try #require(ChannelName("room:1"))
        let members = (0..<1001).map { ServerMessage.Presence.Member(user: nil, session: "s\($0)") }
        let cut = ServerMessage.Presence(channel: channel, event: .state, members: members)
        #expect(cut.members.count == 1000)
        #expect(cut.total == 1001)
        let whole = ServerMessage.Presence(channel: channel, event: .state, members: Array(members.prefix(1000)))
        #expect(whole.total == nil)
    }

    @Test("texts that need escapes are escaped")
    func escapes() throws {
        let channel = try #require(ChannelName("c"))
        let presence = ServerMessage.presence(
            .init(channel: channel, event: .join, members: [.init(user: "a\"b\n", session: "\\")]))
        #expect(try text(presence).contains(#"[{"user":"a\"b\n","session":"\\"}]"#))
    }
}
