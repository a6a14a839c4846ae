import DoorbellServer
import DoorbellTestSupport
import Testing

/// Bytes that two servers behind each other may read differently, sent over a socket to the real server in front of a legacy API that notes
/// what it gets. Either they are refused and the connection closes, or the legacy API gets one request that says the same to everybody.
@Suite struct SmugglingTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: String
        var testDescription: String { name }

        /// - Parameter head: The lines of the head after `POST / HTTP/1.1` and `Host`.
        static func post(_ name: String, _ head: String, _ body: String) -> Vector {
            Vector(name: name, bytes: "POST / HTTP/1.1\r\nHost: h\r\n\(head)\r\n\r\n\(body)")
        }

        static func get(_ name: String, _ head: String) -> Vector {
            Vector(name: name, bytes: "GET / HTTP/1.1\r\n\(head)\r\n\r\n")
        }

        static func chunks(_ name: String, _ body: String) -> Vector {
            post(name, "Transfer-Encoding: chunked", body)
        }
    }

    private static let five = "hello"
    private static let chunked = "5\r\nhello\r\n0\r\n\r\n"
    private static let next = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"

    // MARK: Refused

    static let refused: [Vector] = [
        .post("a length and a coding", "Content-Length: 5\r\nTransfer-Encoding: chunked", chunked),
        .post("a coding and a length", "Transfer-Encoding: chunked\r\nContent-Length: 5", chunked),
        .post("a length of nothing and a coding", "Content-Length: 0\r\nTransfer-Encoding: chunked", chunked),
        .post("a length and a coding that is none", "Content-Length: 5\r\nTransfer-Encoding: identity", five),
        .post("two lengths", "Content-Length: 5\r\nContent-Length: 6", five),
        .post("the same length twice", "Content-Length: 5\r\nContent-Length: 5", five),
        .post("two lengths in different letters", "Content-Length: 5\r\ncontent-length: 6", five),
        .post("a list of lengths", "Content-Length: 5,5", five),
        .post("a list of lengths with a space", "Content-Length: 5, 5", five),
        .post("a length with a plus", "Content-Length: +5", five),
        .post("a negative length", "Content-Length: -5", five),
        .post("a length in hexadecimal", "Content-Length: 0x5", five),
        .post("a length with a space in it", "Content-Length: 5 5", five),
        .post("a length with a vertical tab", "Content-Length: 5\u{0B}", five),
        .post("a length with a space behind it", "Content-Length: 5 ", five),
        .post("a length with a parameter", "Content-Length: 5;a", five),
        .post("an empty length", "Content-Length:", five),
        .post("a length beyond 64 bits", "Content-Length: 18446744073709551621", five),
        .post("a length beyond 63 bits", "Content-Length: 9223372036854775813", five),
        .post("a space before the colon of a length", "Content-Length : 5", five),
        .post("a folded length", "Content-Length:\r\n 5", five),
        .post("a length that goes on in the next line", "Content-Length: 5\r\n 0", five),
        .post("identity", "Transfer-Encoding: identity", five),
        .post("chunked, then identity", "Transfer-Encoding: chunked, identity", chunked),
        .post("identity, then chunked", "Transfer-Encoding: identity, chunked", chunked),
        .post("chunked twice", "Transfer-Encoding: chunked, chunked", chunked),
        .post("chunked on two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", chunked),
        .post(
            "chunked, then identity on two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", chunked),
        .post("gzip, then chunked", "Transfer-Encoding: gzip, chunked", chunked),
        .post("xchunked", "Transfer-Encoding: xchunked", chunked),
        .post("chunkedx", "Transfer-Encoding: chunkedx", chunked),
        .post("chunked and a comma", "Transfer-Encoding: chunked,", chunked),
        .post("a comma and chunked", "Transfer-Encoding: ,chunked", chunked),
        .post("chunked with a tab behind it", "Transfer-Encoding: chunked\t", chunked),
        .post("chunked with a parameter", "Transfer-Encoding: chunked;q=1", chunked),
        .post("chunked in quotes", "Transfer-Encoding: \"chunked\"", chunked),
        .post("a vertical tab before chunked", "Transfer-Encoding:\u{0B}chunked", chunked),
        .post("a form feed before chunked", "Transfer-Encoding:\u{0C}chunked", chunked),
        .post("a NUL in chunked", "Transfer-Encoding: chunked\0", chunked),
        .post("an empty coding", "Transfer-Encoding:", chunked),
        .post("a folded coding", "Transfer-Encoding:\r\n chunked", chunked),
        .post("a coding folded with a tab", "Transfer-Encoding:\r\n\tchunked", chunked),
        .post("a space before the colon of a coding", "Transfer-Encoding : chunked", chunked),
        .post("a tab before the colon of a coding", "Transfer-Encoding\t: chunked", chunked),
        .post("a coding behind a bare CR", "X: y\rTransfer-Encoding: chunked", chunked),
        .post("a coding behind a bare LF", "X: y\nTransfer-Encoding: chunked", chunked),
        Vector(
            name: "a coding in HTTP/1.0",
            bytes: "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked),

        .chunks("a chunk size with a plus", "+5\r\nhello\r\n0\r\n\r\n"),
        .chunks("a negative chunk size", "-5\r\nhello\r\n0\r\n\r\n"),
        .chunks("a chunk size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
        .chunks("a chunk size that is no number", "g\r\nhello\r\n0\r\n\r\n"),
        .chunks("a chunk size with a space before it", " 5\r\nhello\r\n0\r\n\r\n"),
        .chunks("a chunk size with a space behind it", "5 \r\nhello\r\n0\r\n\r\n"),
        .chunks("a chunk size with a NUL", "5\0\r\nhello\r\n0\r\n\r\n"),
        .chunks("a chunk size beyond 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        .chunks("an empty chunk size", "\r\nhello\r\n0\r\n\r\n"),
        .chunks("a chunk size that ends in a bare LF", "5\nhello\r\n0\r\n\r\n"),
        .chunks("a chunk size that ends in a bare CR", "5\rhello\r\n0\r\n\r\n"),
        .chunks("a chunk that ends in a bare LF", "5\r\nhello\n0\r\n\r\n"),
        .chunks("a chunk that ends in nothing", "5\r\nhello0\r\n\r\n"),
        .chunks("a chunk that is longer than it says", "4\r\nhello\r\n0\r\n\r\n"),
        .chunks("an extension that ends in a bare LF", "5;a\nhello\r\n0\r\n\r\n"),
        .chunks("an extension that has a bare CR", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        .chunks("a last chunk with a bare LF", "5\r\nhello\r\n0\n\n"),
        .chunks("a trailer with a length", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
        .chunks("a trailer with a coding", "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        .chunks("a folded trailer", "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"),
        .chunks("a trailer with a bare LF", "5\r\nhello\r\n0\r\nX: y\n\r\n"),
        .chunks("a trailer without a colon", "5\r\nhello\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n"),

        .get("no host", "X: y"),
        .get("two hosts", "Host: a\r\nHost: b"),
        .get("the same host twice", "Host: a\r\nHost: a"),
        .get("a host with a space", "Host: a b"),
        .get("a host with a path", "Host: a/b"),
        .get("a host with a user", "Host: a@b"),
        .get("a space before the host's colon", "Host : a"),
        .get("a fold behind the host", "Host: a\r\n b"),
        .get("a fold before any header", " X: y\r\nHost: a"),
        .get("a header without a colon", "Host: a\r\nX"),
        .get("a header without a name", "Host: a\r\n: y"),
        .get("a header whose name has a space", "Host: a\r\nX Y: z"),
        .get("a NUL in a name", "Host: a\r\nX\0Y: z"),
        .get("a NUL in a value", "Host: a\r\nX: y\0z"),
        .get("a bare CR in a value", "Host: a\r\nX: y\rz"),
        .get("a bare LF between headers", "Host: a\nX: y"),
        .get("a control character in a value", "Host: a\r\nX: y\u{01}"),
        Vector(name: "bare LF everywhere", bytes: "GET / HTTP/1.1\nHost: h\n\n"),
        Vector(name: "bare CR everywhere", bytes: "GET / HTTP/1.1\rHost: h\r\r"),
        Vector(name: "a bare LF behind the head", bytes: "GET / HTTP/1.1\r\nHost: h\r\n\n"),
        Vector(name: "a space before the request", bytes: " GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "a tab in the request line", bytes: "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "something behind the version", bytes: "GET / HTTP/1.1 HTTP/1.0\r\nHost: h\r\n\r\n"),
        Vector(name: "HTTP/0.9", bytes: "GET /\r\n\r\n"),
        Vector(name: "HTTP/1.2", bytes: "GET / HTTP/1.2\r\nHost: h\r\n\r\n"),
        Vector(name: "HTTP/2.0", bytes: "GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
        Vector(name: "HTTP/1.1 in small letters", bytes: "GET / http/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "a NUL in the target", bytes: "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "a target with an authority and no host", bytes: "GET http://a/ HTTP/1.1\r\n\r\n"),
        Vector(
            name: "a target with an authority and two hosts",
            bytes: "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        Vector(name: "http:// and nothing", bytes: "GET http:// HTTP/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "http:/// and a path", bytes: "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "a target with a user", bytes: "GET http://h@evil/ HTTP/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "a target that is an address", bytes: "GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "a target that begins with @", bytes: "GET @evil/ HTTP/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "a target that is a star", bytes: "GET * HTTP/1.1\r\nHost: h\r\n\r\n"),
        Vector(name: "a tunnel", bytes: "CONNECT evil:80 HTTP/1.1\r\nHost: evil:80\r\n\r\n"),
        Vector(name: "the preface of HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ]

    @Test("what can be read in two ways is refused, and nothing behind it is read", arguments: refused)
    func refuses(_ vector: Vector) async throws {
        let legacy = try await TranscriptServer()
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            // It may be closed while it still sends.
            try? await client.send(vector.bytes + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            try await client.waitForClose()
            if !client.bytes.isEmpty {
                let answer = try await client.answer()
                #expect((400..<500).contains(answer.status), "\(answer)")
                #expect(client.bytes.isEmpty, "behind it: \(client.text)")
            }
            // Of a request whose body is broken, the legacy API has seen the begin.
            #expect(legacy.seen.requests.isEmpty, "\(legacy.seen)")
            #expect(legacy.seen.faults.isEmpty, "\(legacy.seen)")
        }
    }

    // MARK: Passed

    struct Passing: Sendable, CustomTestStringConvertible {
        let vector: Vector
        /// What the legacy API gets.
        let line: String
        var body = ""
        /// Whether what follows on the connection is answered too.
        var goesOn = true
        var testDescription: String { vector.name }

        init(_ vector: Vector, _ line: String = "POST / HTTP/1.1", body: String = "", goesOn: Bool = true) {
            (self.vector, self.line, self.body, self.goesOn) = (vector, line, body, goesOn)
        }
    }

    static let passing: [Passing] = [
        Passing(.post("spaces before a length", "Content-Length:   5", five), body: five),
        Passing(.post("a tab before a length", "Content-Length:\t5", five), body: five),
        Passing(.post("a length with zeros before it", "Content-Length: 0005", five), body: five),
        Passing(.post("a length of nothing", "Content-Length: 0", "")),
        Passing(.post("a tab before chunked", "Transfer-Encoding:\tchunked", chunked), body: five),
        Passing(.post("chunked in capitals", "Transfer-Encoding: CHUNKED", chunked), body: five),
        Passing(.chunks("an extension", "5;a=b\r\nhello\r\n0;c\r\n\r\n"), body: five),
        Passing(.chunks("an extension in quotes", "5;a=\"b\"\r\nhello\r\n0\r\n\r\n"), body: five),
        Passing(.chunks("a chunk size with zeros", "0005\r\nhello\r\n00\r\n\r\n"), body: five),
        Passing(.chunks("a chunk of each byte", five.map { "1\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"), body: five),
        Passing(
            .chunks("trailers", "5\r\nhello\r\n0\r\nHost: evil\r\nX: y\r\n\r\n"), body: five),
        Passing(
            .post("a length that Connection names", "Connection: content-length\r\nContent-Length: 5", five),
            body: five),
        Passing(
            .post(
                "a coding that Connection names", "Connection: transfer-encoding\r\nTransfer-Encoding: chunked", chunked
            ),
            body: five),
        Passing(.get("a host that Connection names", "Host: h\r\nConnection: host"), "GET / HTTP/1.1"),
        Passing(.post("a length with an underscore", "Content_Length: 100\r\nContent-Length: 5", five), body: five),
        Passing(
            .post("a coding with an underscore", "Transfer_Encoding: chunked\r\nContent-Length: 5", five), body: five),
        Passing(
            Vector(name: "GET with a body", bytes: "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"),
            "GET / HTTP/1.1", body: five),
        Passing(
            Vector(name: "an empty line before the request", bytes: "\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n"),
            "GET /a HTTP/1.1"),
        Passing(
            Vector(name: "a target with another authority", bytes: "GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n"),
            "GET /a HTTP/1.1"),
        Passing(
            Vector(name: "a target that looks like an authority", bytes: "GET //evil/a HTTP/1.1\r\nHost: h\r\n\r\n"),
            "GET //evil/a HTTP/1.1"),
        Passing(
            Vector(
                name: "HTTP/1.0 with a length", bytes: "POST /a HTTP/1.0\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"),
            "POST /a HTTP/1.1", body: five, goesOn: false),
        Passing(.get("the last request", "Host: h\r\nConnection: close"), "GET / HTTP/1.1", goesOn: false),
        Passing(
            .get(
                "an upgrade to HTTP/2",
                "Host: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"),
            "GET / HTTP/1.1", goesOn: false),
        Passing(
            Vector(
                name: "an upgrade in HTTP/1.0",
                bytes:
                    "GET / HTTP/1.0\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ), "GET / HTTP/1.1", goesOn: false),
        Passing(
            .post("an upgrade with a body", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5", five),
            body: five, goesOn: false),
        Passing(.post("an expectation that nobody knows", "Expect: miracles\r\nContent-Length: 5", five), body: five),
    ]

    @Test("what passes is one request that says the same to everybody", arguments: passing)
    func passes(_ passing: Passing) async throws {
        let legacy = try await TranscriptServer()
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(passing.vector.bytes + Self.next)
            let first = try await client.answer()
            #expect(first.status == 200)
            #expect(first.text == "fine")
            if passing.goesOn {
                #expect(try await client.answer().text == "fine")
            } else {
                try await client.waitForClose()
                #expect(client.bytes.isEmpty, "behind it: \(client.text)")
            }
            let seen = legacy.seen
            #expect(seen.faults.isEmpty)
            #expect(seen.requests.map(\.line) == [passing.line] + (passing.goesOn ? ["GET /next HTTP/1.1"] : []))
            let request = try #require(seen.requests.first)
            #expect(request.body == passing.body)
            #expect(request["host"] == [passing.vector.name == "a target with another authority" ? "other" : "h"])
            for name in [
                "connection", "upgrade", "http2-settings", "te", "trailer", "expect", "x", "content_length",
                "transfer_encoding",
            ] {
                #expect(request[name].isEmpty, "\(name): \(request[name])")
            }
        }
    }

    @Test("a client cannot make us forget who asked by naming it in Connection, nor say it with an underscore")
    func forwardedNamed() async throws {
        let legacy = try await TranscriptServer()
        try await withShim(legacy) { shim in
            let names = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-IP"]
            let answer = try await shim.get(
                "/",
                headers: ["Connection: " + names.joined(separator: ", ")] + names.map { "\($0): 192.0.2.7" }
                    + ["X_Forwarded_For: 192.0.2.8", "x-forwarded_for: 192.0.2.8", "X_Kept: 1"])
            #expect(answer.status == 200)
            let request = try #require(legacy.seen.requests.first)
            #expect(request["x-forwarded-for"] == ["192.0.2.7, 127.0.0.1"])
            #expect(request["x-forwarded-host"] == ["192.0.2.7"])
            #expect(request["x-real-ip"] == ["192.0.2.7"])
            #expect(request["forwarded"].first?.hasPrefix("192.0.2.7, for=127.0.0.1") == true)
            #expect(request.headers.filter { $0.value.contains("192.0.2.8") }.isEmpty)
            #expect(request["x_kept"] == ["1"])
        }
    }

    @Test(
        "a body that never ends is no request",
        arguments: [
            Vector.chunks("no last chunk", "5\r\nhello\r\n"),
            .chunks("a chunk of 64 bits", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
            .chunks("a chunk of 63 bits", "7FFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
            .post("a length of 63 bits", "Content-Length: 9223372036854775807", "hello"),
        ])
    func endless(_ vector: Vector) async throws {
        let legacy = try await TranscriptServer()
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(vector.bytes)
            try await eventually("it is passed on, or refused") { legacy.seen.connections > 0 || client.isClosed }
            try? await client.send("GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try await settled { client.bytes.count }
            await client.close()
            try await eventually("the connection ends") { shim.server.openConnections == 0 }
            #expect(legacy.seen.requests.isEmpty, "\(legacy.seen)")
        }
    }

    @Test("a chunk extension without an end costs no memory, and ends with the client")
    func longExtension() async throws {
        let legacy = try await TranscriptServer()
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            let vector = Vector.chunks("", "5;" + String(repeating: "a", count: 4 << 20) + "\r\nhello\r\n0\r\n\r\n")
            try? await client.send(vector.bytes + Self.next)
            let answer = try await client.answer()
            if answer.status == 200 {
                #expect(try await client.answer().text == "fine")
                #expect(legacy.seen.requests.map(\.body) == ["hello", ""])
            } else {
                #expect((400..<500).contains(answer.status))
                #expect(legacy.seen.requests.isEmpty)
            }
        }
    }

    // MARK: Answers

    struct Answer: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: String
        /// What the client may get; `nil`: 502, or a connection that breaks off.
        var status: Int?
        var body = ""
        var testDescription: String { name }

        init(_ name: String, _ bytes: String, passes status: Int? = nil, body: String = "") {
            (self.name, self.bytes, self.status, self.body) = (name, bytes, status, body)
        }
    }

    private static let poison = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPOISON"

    private static func ok(_ head: String, _ body: String) -> String { "HTTP/1.1 200 OK\r\n\(head)\r\n\r\n\(body)" }

    static let answers: [Answer] = [
        Answer("a length and a coding", ok("content-length: 5\r\ntransfer-encoding: chunked", chunked + poison)),
        Answer("a coding and a length", ok("transfer-encoding: chunked\r\ncontent-length: 5", chunked + poison)),
        Answer("two lengths", ok("content-length: 5\r\ncontent-length: 6", "hello" + poison)),
        Answer("a list of lengths", ok("content-length: 5, 5", "hello" + poison)),
        Answer("a length with a plus", ok("content-length: +5", "hello" + poison)),
        Answer("a negative length", ok("content-length: -5", "hello" + poison)),
        Answer("a length beyond 64 bits", ok("content-length: 18446744073709551621", "hello" + poison)),
        Answer("chunked twice", ok("transfer-encoding: chunked, chunked", chunked + poison)),
        Answer("xchunked", ok("transfer-encoding: xchunked", chunked + poison)),
        Answer("a chunk size that is no number", ok("transfer-encoding: chunked", "zz\r\nhello\r\n0\r\n\r\n" + poison)),
        Answer("a chunk size with a bare LF", ok("transfer-encoding: chunked", "5\nhello\r\n0\r\n\r\n" + poison)),
        Answer(
            "a chunk that is longer than it says", ok("transfer-encoding: chunked", "4\r\nhello\r\n0\r\n\r\n" + poison)),
        Answer("a folded header", ok("content-length: 5\r\nx: y\r\n z", "hello" + poison)),
        Answer("a space before a colon", ok("content-length : 5", "hello" + poison)),
        Answer("bare LF", "HTTP/1.1 200 OK\ncontent-length: 5\n\nhello" + poison),
        Answer("a NUL in a header", ok("content-length: 5\r\nx: y\0", "hello" + poison)),
        Answer(
            "a header that is too large",
            ok("content-length: 5\r\nx: " + String(repeating: "x", count: 200 << 10), "hello")),
        Answer(
            "too many headers",
            ok("content-length: 5\r\n" + (0..<20_000).map { "x\($0): y" }.joined(separator: "\r\n"), "hello")),
        Answer(
            "an upgrade that nobody asked for",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n" + poison),
        Answer("something that is no HTTP", "SSH-2.0-OpenSSH_9.2\r\n" + poison),
        Answer("HTTP/2", "HTTP/2.0 200 OK\r\ncontent-length: 5\r\n\r\nhello" + poison),
        Answer("two answers", ok("content-length: 5", "hello" + poison), passes: 200, body: "hello"),
        Answer(
            "an answer that is longer than it says", ok("content-length: 5", "hello" + "more"), passes: 200,
            body: "hello"),
        Answer("204 with a body", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello" + poison, passes: 204),
        Answer(
            "204 with chunks", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n" + chunked + poison,
            passes: 204),
        Answer("304 with a body", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\nhello" + poison, passes: 304),
        Answer(
            "a thousand early hints",
            String(repeating: "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", count: 1000)
                + ok("content-length: 5", "hello"),
            passes: 200, body: "hello"),
        Answer(
            "trailers",
            ok("transfer-encoding: chunked", "5\r\nhello\r\n0\r\nset-cookie: a=b\r\nx: y\r\n\r\n"),
            passes: 200, body: "hello"),
        Answer(
            "a length that Connection names", ok("connection: content-length\r\ncontent-length: 5", "hello"),
            passes: 200, body: "hello"),
    ]

    @Test("what the legacy API answers is one answer to one client, or none", arguments: answers)
    func answer(_ answer: Answer) async throws {
        let legacy = try await TranscriptServer { $0 == 0 ? answer.bytes : TranscriptServer.fine }
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            try await client.wait(for: "an answer or the end") { !$0.bytes.isEmpty || $0.isClosed }
            if let status = answer.status {
                let given = try await client.answer()
                #expect(given.status == status)
                #expect(given.text == answer.body)
                #expect(given["set-cookie"] == nil)
                try await client.send(Self.next)
                #expect(try await client.answer().text == "fine")
            } else {
                // Half an answer may be out when it turns out to be none.
                try await client.wait(for: "an answer or the end") { $0.text.contains("\r\n\r\n") || $0.isClosed }
                if client.text.hasPrefix("HTTP/1.1 502") {
                    _ = try await client.answer()
                } else {
                    try await client.waitForClose()
                    #expect(HTTPAnswer.parse(client.bytes, isHead: false, isClosed: false) == nil, "\(client.text)")
                }
            }
            #expect(!client.text.contains("POISON"))
            for _ in 0..<6 {
                let other = try await shim.get("/other")
                #expect(other.status == 200)
                #expect(other.text == "fine")
            }
            #expect(legacy.seen.faults.isEmpty)
        }
    }
}
