import DoorbellCore
import DoorbellRollout
import NIOCore
import NIOHTTP1
import Testing

@testable import DoorbellShim

@Suite struct ParityCaptureTests {
    private func capture() throws -> ParityCapture {
        ParityCapture(
            feature: Feature(name: "f", poll: try PollPattern("GET /f"), tables: []), caller: 1, target: "/f",
            channels: [],
            asked: Position(epoch: 1, tick: 1, seq: 0), run: 1, known: ParityCapture.Known([:]))
    }

    private func head(_ uri: String, _ headers: HTTPHeaders) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: .GET, uri: uri, headers: headers)
    }

    @Test("callers are told apart by all that an answer may depend on, and by nothing that changes from poll to poll")
    func key() {
        let one = ParityCapture.key(head("/f?a", ["Cookie": "a", "Accept": "text/html", "If-None-Match": "1"]))
        #expect(one == ParityCapture.key(head("/f?a", ["cookie": "a", "accept": "text/html", "X-Request-Id": "7"])))
        for other in [
            head("/f?b", ["cookie": "a", "accept": "text/html"]), head("/f?a", ["cookie": "b", "accept": "text/html"]),
            head("/f?a", ["cookie": "a", "accept": "application/json"]),
            head("/f?a", ["cookie": "a", "accept": "text/html", "x-tenant": "1"]),
        ] {
            #expect(one != ParityCapture.key(other))
        }
    }

    @Test(
        "values that may be secrets are left out of targets",
        arguments: [
            ("/f", "/f"), ("/f?page=2&tag=a%20b", "/f?page=2&tag=a%20b"),
            ("/f?access_token=x.y&page=2&API_KEY=z&ticket", "/f?access_token=…&page=2&API_KEY=…&ticket=…"),
        ])
    func redacted(_ target: String, _ expected: String) { #expect(ParityCapture.redacted(target) == expected) }

    @Test(
        "a 304 is for a body that the caller has; where neither of both says which, for an unknown one",
        arguments: [
            (["if-none-match": "\"a\""], [:], BodyVersion(tag: "\"a\"")),
            (["if-none-match": "W/\"a\""], ["etag": "\"a\""], BodyVersion(tag: "\"a\"")),
            (["if-none-match": "\"a\", \"b\""], ["etag": "W/\"b\""], BodyVersion(tag: "\"b\"")),
            (["if-none-match": "\"a\", \"b\""], [:], .unknown),
            (["if-none-match": "\"a\""], ["etag": "\"b\""], .unknown),
            (["if-none-match": "*"], ["etag": "\"b\""], BodyVersion(tag: "\"b\"")),
            (["if-none-match": "\"a\"", "if-modified-since": "1"], [:], BodyVersion(tag: "\"a\"")),
            (["if-modified-since": "1"], ["last-modified": "0"], BodyVersion(modified: "1")),
            (["if-modified-since": "1"], ["etag": "\"a\""], BodyVersion(tag: "\"a\"", modified: "1")),
            ([:], [:], .unknown),
        ] as [(HTTPHeaders, HTTPHeaders, BodyVersion)])
    func known(_ request: HTTPHeaders, _ answer: HTTPHeaders, _ expected: BodyVersion) {
        let known = ParityCapture.Known(request)
        let head = HTTPResponseHead(version: .http1_1, status: .notModified, headers: answer)
        #expect(known.version(of: head) == expected)
        let whole = HTTPResponseHead(
            version: .http1_1, status: .ok, headers: ["etag": "W/\"c\"", "last-modified": "2"])
        #expect(known.version(of: whole) == BodyVersion(tag: "\"c\"", modified: "2"))
    }

    @Test("a body is kept up to the limit, whatever its head promises")
    func limit() throws {
        let half = ByteBuffer(repeating: 0x61, count: ParityCapture.limit / 2)
        for (length, parts, isWhole) in [
            (nil, 2, true), (nil, 3, false), ("5", 3, false), (String(ParityCapture.limit + 1), 0, false),
        ] as [(String?, Int, Bool)] {
            var capture = try capture()
            var head = HTTPResponseHead(version: .http1_1, status: .ok)
            if let length { head.headers.add(name: "content-length", value: length) }
            capture.began(head)
            for _ in 0..<parts { capture.passed(half) }
            #expect(capture.isWhole == isWhole)
            #expect(capture.body.count == (isWhole ? ParityCapture.limit : 0))
        }
    }

    @Test("compressed bodies are read, within bounds; what cannot be read is not guessed")
    func encodings() throws {
        let text = Array(#"{"a":1}{"a":1}{"a":1}"#.utf8)
        let gzip: [UInt8] = [
            31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 84, 178, 50, 172, 173, 70, 161, 0, 16, 130, 220, 12, 21, 0, 0,
            0,
        ]
        let deflate: [UInt8] = [
            120, 156, 171, 86, 74, 84, 178, 50, 172, 173, 70, 161, 0, 67, 38, 6, 25,
        ]
        #expect(EncodedBody.plain(text, encoding: nil) == text)
        #expect(EncodedBody.plain(gzip, encoding: "gzip") == text)
        #expect(EncodedBody.plain(deflate, encoding: "deflate") == text)
        #expect(EncodedBody.plain(text, encoding: "br") == nil)
        #expect(EncodedBody.plain(text, encoding: "gzip") == nil)
        #expect(EncodedBody.plain(Array(gzip.dropLast(9)), encoding: "gzip") == nil)
        #expect(EncodedBody.plain([], encoding: "gzip") == nil)
    }

    @Test("callers that never come again make room after a minute, when there is no room; the others stay")
    func strangers() {
        var callers = ParityCallers()
        func later(_ seconds: Int) -> Timestamp { Timestamp(microseconds: Int64(seconds) * 1_000_000) }
        for caller in 0..<UInt64(ParityCallers.capacity) { _ = callers.takes(caller, now: later(0)) }
        let (known, late) = (callers.takes(7, now: later(0)), callers.takes(1000, now: later(0)))
        #expect(known && !late)
        let gone = [59, 60].map { callers.sweep(now: later($0)).count }
        #expect(gone == [0, ParityCallers.capacity - 1])
        let next = callers.takes(1000, now: later(60))
        let left = callers.sweep(now: later(300)).count
        #expect(next && left == 0, "there is room")
    }

    @Test("a sample of callers stays for its time and makes room")
    func callers() {
        var callers = ParityCallers()
        let start = Timestamp(microseconds: 0)
        let taken = (0..<UInt64(ParityCallers.capacity)).count { callers.takes($0, now: start) }
        #expect(taken == ParityCallers.capacity)
        let (late, known) = (callers.takes(9_999, now: start), callers.takes(7, now: start))
        #expect(!late && known)
        for caller in 0..<UInt64(ParityCallers.capacity) { _ = callers.takes(caller, now: start) }
        let early = callers.sweep(now: start.advanced(by: .seconds(599)))
        let over = callers.sweep(now: start.advanced(by: .seconds(600)))
        #expect(early == [] && over.count == ParityCallers.capacity)
        let next = callers.takes(9_999, now: start)
        #expect(next)
    }
}
