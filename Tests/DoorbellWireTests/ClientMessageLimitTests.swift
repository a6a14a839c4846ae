import DoorbellCore
import DoorbellWire
import Testing

/// Everything that a client's message may carry has a limit, and the limit is exact.
@Suite struct ClientMessageLimitTests {
    private func decode(_ text: String) throws(WireError) -> ClientMessage {
        try ClientMessageDecoder.decode(Array(text.utf8))
    }

    @Test(
        "a message without what its type needs is refused",
        arguments: [
            (#"{"type":"ack","id":1,"position":"7.1-1"}"#, "'channel' is missing"),
            (#"{"type":"ack","id":1,"channel":"a"}"#, "'position' is missing"),
            (#"{"type":"ack","id":1,"channel":"a","position":7}"#, "'position' must be a string"),
            (
                #"{"type":"ack","id":1,"channel":"a","position":"latest"}"#,
                "'position' must be one that a message carried"
            ),
            (#"{"type":"auth","id":1}"#, "'token' is missing"),
            (#"{"type":"auth","id":1,"token":null}"#, "'token' is missing"),
            (#"{"type":"refresh","id":1,"token":{}}"#, "'token' must be a string"),
            (#"{"type":"refresh","id":1,"token":""}"#, "'token' must have 1 to 8192 bytes"),
            (
                #"{"type":"auth","id":1,"token":"Bearer x"}"#,
                "'token' must be visible ASCII, without 'Bearer ' before it"
            ),
            (#"{"type":"publish","id":1,"channel":"a"}"#, "'data' is missing"),
            (#"{"type":"publish","id":1,"channel":"a","data":null}"#, "'data' is missing"),
            (#"{"type":"publish","id":1,"data":1}"#, "'channel' is missing"),
            (#"{"type":"presence","id":1}"#, "'channel' is missing"),
            (#"{"type":"drift","id":1,"channel":"a","position":"7.1-1"}"#, "'digest' is missing"),
            (
                #"{"type":"drift","id":1,"channel":"a","position":"7.1-1","digest":""}"#,
                "'digest' must be 1 to 128 bytes of visible ASCII"
            ),
            (
                #"{"type":"drift","id":1,"channel":"a","position":"7.1-1","digest":"a b"}"#,
                "'digest' must be 1 to 128 bytes of visible ASCII"
            ),
            (#"{"type":"request","id":1,"path":"/"}"#, "'method' is missing"),
            (#"{"type":"request","id":1,"method":"GET"}"#, "'path' is missing"),
            (
                #"{"type":"request","id":1,"method":"GET","path":"a"}"#,
                "'path' must be a path such as '/api/orders/42'"
            ),
            (
                #"{"type":"request","id":1,"method":"GET","path":"/a b"}"#,
                "'path' must be percent-encoded and have no spaces and no fragment"
            ),
            (#"{"type":"request","id":1,"method":"GET","path":"/","headers":[]}"#, "'headers' must be an object"),
            (
                #"{"type":"request","id":1,"method":"GET","path":"/","headers":{"a":1}}"#,
                "'headers' must be an object of strings"
            ),
        ])
    func missing(_ text: String, _ message: String) {
        #expect(throws: WireError(message, id: "1")) { try decode(text) }
    }

    @Test("a request needs an id, for its answer")
    func requestID() {
        #expect(throws: WireError("'id' is missing")) { try decode(#"{"type":"request","method":"GET","path":"/"}"#) }
    }

    @Test("a method is a token", arguments: ["", "GET /", "G\\u0000T", "GÄT", "GET\\r\\n", "a(b", "a:b"])
    func methods(_ method: String) {
        #expect(throws: WireError("'method' must be an HTTP method", id: "1")) {
            try decode(#"{"type":"request","id":1,"method":"\#(method)","path":"/"}"#)
        }
    }

    @Test(
        "no header can end a line or begin another request",
        arguments: [
            (#""""#, #""x""#), (#""a b""#, #""x""#), (#""a:""#, #""x""#), (#""a\r\nb""#, #""x""#),
            (#""a""#, #""x\r\nHost: y""#), (#""a""#, #""x\u0000""#), (#""a""#, #""ä""#), (#""a""#, #""\u007f""#),
        ])
    func headers(_ name: String, _ value: String) {
        #expect(throws: WireError("'headers' has a name or a value that HTTP does not allow", id: "1")) {
            try decode(#"{"type":"request","id":1,"method":"GET","path":"/","headers":{\#(name):\#(value)}}"#)
        }
    }

    @Test("headers are bounded in number and in bytes")
    func manyHeaders() throws {
        let text = { (count: Int, size: Int) in
            let value = String(repeating: "v", count: size - 3)
            let headers = (0..<count).map { #""h\#($0 + 10)":"\#(value)""# }.joined(separator: ",")
            return #"{"type":"request","id":1,"method":"GET","path":"/","headers":{\#(headers)}}"#
        }
        guard case .request(let request) = try decode(text(64, 128)) else { throw WireError("not a request") }
        #expect(request.headers.count == 64)
        let refusal = WireError("'headers' may have at most 64 members and 8192 bytes", id: "1")
        #expect(throws: refusal) { try decode(text(65, 4)) }
        #expect(throws: refusal) { try decode(text(64, 129)) }
    }

    @Test(
        "texts and raw values have their exact limits",
        arguments: [
            (#"{"type":"presence","channel":"@"}"#, 255), (#"{"type":"subscribe","channel":"@"}"#, 255),
            (#"{"type":"auth","token":"@"}"#, 8192), (#"{"type":"publish","channel":"a","data":"@"}"#, 65_534),
            (#"{"type":"drift","channel":"a","position":"1.1-1","digest":"@"}"#, 128),
            (#"{"type":"request","id":1,"method":"@","path":"/"}"#, 32),
            (#"{"type":"request","id":1,"method":"GET","path":"/@"}"#, 8191),
            (#"{"type":"request","id":1,"method":"GET","path":"/","body":"@"}"#, (1 << 20) - 2),
        ])
    func limits(_ pattern: String, _ limit: Int) throws {
        let parts = pattern.split(separator: "@").map(String.init)
        let text = { (count: Int) in parts[0] + String(repeating: "x", count: count) + parts[1] }
        _ = try decode(text(limit))
        #expect(throws: WireError.self) { try decode(text(limit + 1)) }
    }

    @Test("data and bodies keep their bytes: digits, escapes, white space")
    func verbatim() throws {
        let values = ["-0.00", "1E400", #""\u00e4\/""#, " [ 1 ,\n2 ] ", #"{"a":{"a":1},"a":2}"#, "true"]
        for value in values {
            let kept = Array(
                value.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed().map(String.init).joined().utf8)
            #expect(
                try decode(#"{"type":"publish","channel":"a","data":\#(value)}"#)
                    == .publish(channel: "a", data: kept, id: nil))
            guard value.first != "\"" else { continue }
            #expect(
                try decode(#"{"type":"request","id":1,"method":"PUT","path":"/","body":\#(value)}"#)
                    == .request(.init(id: "1", method: "PUT", path: "/", body: .json(kept))))
        }
    }

    @Test("data is nested so deeply at most that a batch of messages with it can still be read")
    func depth() throws {
        let nested = { (depth: Int) in
            #"{"type":"publish","channel":"a","data":"#
                + String(repeating: "[", count: depth) + #""[\"[""# + String(repeating: "]", count: depth) + "}"
        }
        _ = try decode(nested(256))
        #expect(throws: WireError("'data' may be nested at most 256 deep")) { try decode(nested(257)) }
    }

    @Test("data that is not JSON is refused", arguments: ["01", "{a:1}", "[1,]", "nul", #""\x""#, "\"\u{1}\""])
    func notJSON(_ value: String) {
        #expect(throws: WireError.self) { try decode(#"{"type":"publish","channel":"a","data":\#(value)}"#) }
    }

    @Test("cut or disturbed anywhere, a request is decoded or refused, and nothing traps")
    func disturbed() throws {
        let text = Array(
            #"{"type":"request","id":1,"method":"PUT","path":"/a","headers":{"a":"b","c":"d"},"body":{"x":[1]}}"#.utf8)
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
