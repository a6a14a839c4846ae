import DoorbellCore
import DoorbellWire
import Testing

@Suite struct ClientMessageDecoderTests {
    private func decode(_ text: String) throws(WireError) -> ClientMessage {
        try ClientMessageDecoder.decode(Array(text.utf8))
    }

    @Test(
        "what cannot be understood is refused with a sentence for the client's developer",
        arguments: [
            ("", "a message must be one JSON object"),
            ("[]", "a message must be one JSON object"),
            ("{", "not valid JSON: expected a member name at byte 1"),
            (#"{"type":"ping"} x"#, "not valid JSON: unexpected text after the value at byte 16"),
            ("{}", "'type' is missing"),
            (#"{"type":null}"#, "'type' is missing"),
            (#"{"type":7}"#, "'type' must be a string"),
            (#"{"type":"subscribe"}"#, "'channel' or 'poll' is missing"),
            (#"{"type":"subscribe","channel":null}"#, "'channel' or 'poll' is missing"),
            (#"{"type":"subscribe","channel":["a"]}"#, "'channel' must be a string"),
            (#"{"type":"subscribe","poll":1}"#, "'poll' must be a string"),
            (#"{"type":"subscribe","channel":"a","poll":"/a"}"#, "give 'channel' or 'poll', not both"),
            (#"{"type":"subscribe","channel":"a","since":5}"#, "'since' must be a string"),
            (#"{"type":"unsubscribe"}"#, "'channel' is missing"),
            (#"{"type":"unsubscribe","channel":1}"#, "'channel' must be a string"),
            (#"{"type":"ping","id":true}"#, "'id' must be a string or a number"),
            (#"{"type":"ping","id":{}}"#, "'id' must be a string or a number"),
        ])
    func refusals(_ text: String, _ message: String) {
        #expect(throws: WireError(message)) { try decode(text) }
    }

    @Test(
        "a version that is no version is refused",
        arguments: ["0", "-1", "65536", "1.5", "1e2", #""1""#, "[1,0]", "[[1]]", "{}", "true", "99999999999999999999"])
    func versions(_ version: String) {
        #expect(throws: WireError("'version' must be a whole number from 1 to 65535, or a list of them", id: "1")) {
            try decode(#"{"type":"subscribe","channel":"a","id":1,"version":\#(version)}"#)
        }
    }

    @Test("a list of versions is bounded")
    func manyVersions() throws {
        let list = { (count: Int) in
            #"{"type":"subscribe","channel":"a","version":[\#(Array(repeating: "1", count: count).joined(separator: ","))]}"#
        }
        guard case .subscribe(let request) = try decode(list(32)) else { throw WireError("not a subscribe") }
        #expect(request.versions.count == 32)
        #expect(throws: WireError("'version' may list at most 32 versions")) { try decode(list(33)) }
    }

    @Test(
        "a poll is a path, with or without GET, and nothing else",
        arguments: [
            "orders", "POST /a", "get /a", "GET  /a", "http://x/a", "", "GET ", "/a b", "/ä", "/a#b", "/a\\n",
            "/a\\u0000",
        ])
    func polls(_ poll: String) {
        #expect(throws: WireError.self) { try decode(#"{"type":"subscribe","poll":"\#(poll)"}"#) }
    }

    @Test("a poll is bounded")
    func longPoll() throws {
        let path = "/" + String(repeating: "a", count: 8191)
        #expect(try decode(#"{"type":"subscribe","poll":"\#(path)"}"#) == .subscribe(.init(target: .poll(path))))
        #expect(throws: WireError("'poll' may have at most 8192 bytes")) {
            try decode(#"{"type":"subscribe","poll":"\#(path)a"}"#)
        }
    }

    @Test(
        "the id comes back as it was written, escapes and digits and all",
        arguments: ["1", "-0.50", "1e9", #""\u00e4\"""#])
    func idKept(_ id: String) throws {
        #expect(try decode(#"{"type":"ping","id": \#(id) }"#) == .ping(id: id))
    }

    @Test("an id is bounded")
    func longID() throws {
        let id = "\"" + String(repeating: "x", count: 126) + "\""
        #expect(try decode(#"{"type":"ping","id":\#(id)}"#) == .ping(id: id))
        #expect(throws: WireError("'id' may have at most 128 bytes")) {
            try decode(#"{"type":"ping","id":"x\#(id.dropFirst())}"#)
        }
    }

    @Test("an error carries the id when it could be read, even out of broken JSON")
    func idInErrors() {
        #expect(throws: WireError("'channel' or 'poll' is missing", id: "7")) {
            try decode(#"{"type":"subscribe","id":7}"#)
        }
        #expect(throws: WireError("not valid JSON: expected a value at byte 15", id: "7")) {
            try decode(#"{"id":7,"type":,}"#)
        }
    }

    @Test("an error answers as a bad request")
    func reply() {
        #expect(
            WireError("no", id: "7").reply == .error(.badRequest, message: "no", id: "7", channel: nil))
    }

    @Test("null is the same as not given")
    func nulls() throws {
        let text = #"{"type":"subscribe","channel":"a","poll":null,"since":null,"version":null,"id":null}"#
        #expect(try decode(text) == .subscribe(.init(target: .channel("a"))))
    }

    @Test("of a member that stands twice the last one counts")
    func duplicates() throws {
        #expect(try decode(#"{"type":"x","id":1,"type":"ping","id":2}"#) == .ping(id: "2"))
        #expect(try decode(#"{"type":"ping","id":1,"id":null}"#) == .ping(id: nil))
    }

    @Test("members of a type from the future may have any form")
    func future() throws {
        #expect(try decode(#"{"channel":{},"since":1,"version":"x","type":"seek"}"#) == .unknown(type: "seek"))
    }

    @Test("escapes in texts are decoded")
    func escapes() throws {
        #expect(
            try decode(#"{"\u0074ype":"subscribe","channel":"a\/b"}"#) == .subscribe(.init(target: .channel("a/b"))))
    }

    @Test("bytes that are not UTF-8 are refused")
    func notUTF8() {
        #expect(throws: WireError.self) {
            try ClientMessageDecoder.decode(Array("{\"type\":\"".utf8) + [0xFF] + Array("\"}".utf8))
        }
    }

    @Test("cut or disturbed anywhere, a message is decoded or refused, and nothing traps")
    func disturbed() throws {
        let text = Array(#"{"type":"subscribe","channel":"a\u00e4","since":"7.1-1","version":[2,1],"id":"x"}"#.utf8)
        for end in text.indices {
            #expect(throws: WireError.self) { try ClientMessageDecoder.decode(Array(text[..<end])) }
        }
        for index in text.indices {
            for byte in stride(from: UInt8.min, to: .max, by: 3) {
                var disturbed = text
                disturbed[index] = byte
                _ = try? ClientMessageDecoder.decode(disturbed)
            }
        }
    }
}
