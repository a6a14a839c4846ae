import DoorbellWire
import NIOHTTP1
import Testing

@testable import DoorbellServer

@Suite struct CallCheckTests {
    private func request(
        _ method: String = "GET", _ path: String = "/api/orders/42", headers: [HeaderField] = [],
        body: ClientMessage.Request.Body = .none
    ) -> ClientMessage.Request {
        ClientMessage.Request(id: "1", method: method, path: path, headers: headers, body: body)
    }

    @Test(
        "methods and paths that are passed on",
        arguments: [("GET", "/"), ("POST", "/api?x=1"), ("delete", "/a/b"), ("PURGE", "/x"), ("GET", "/_doorbells")])
    func passed(method: String, path: String) {
        #expect(CallCheck.problem(of: request(method, path), allowing: []) == nil)
    }

    @Test(
        "methods and paths that are not",
        arguments: [
            ("CONNECT", "/"), ("connect", "/"), ("TRACE", "/"), ("Trace", "/"), ("GET", "/_doorbell"),
            ("GET", "/_doorbell/ws"), ("POST", "/_doorbell?x=1"), ("GET", "/_doorbell/sse?channel=a"),
        ])
    func refused(method: String, path: String) {
        #expect(CallCheck.problem(of: request(method, path), allowing: []) != nil)
    }

    @Test("a GET and a HEAD have no body", arguments: ["GET", "HEAD", "get"])
    func bodyOfGet(method: String) {
        #expect(CallCheck.problem(of: request(method, body: .text("x")), allowing: []) != nil)
        #expect(CallCheck.problem(of: request("POST", body: .text("x")), allowing: []) == nil)
    }

    @Test(
        "who is asking, and what is about the connection, cannot be set",
        arguments: [
            "Cookie", "authorization", "Host", "content-length", "Transfer-Encoding", "connection", "forwarded",
            "X-Forwarded-For", "X-Real-IP", "origin", "expect", "upgrade", "te", "doorbell-position", "sec-fetch-site",
            "x-user-id", "x-anything",
        ])
    func refusedHeaders(name: String) {
        #expect(CallCheck.problem(of: request(headers: [HeaderField(name, "1")]), allowing: []) != nil)
    }

    @Test("a header may be allowed by configuration, unless it says who is asking")
    func allowed() {
        let asked = request(headers: [HeaderField("X-Tenant", "7")])
        #expect(CallCheck.problem(of: asked, allowing: ["x-tenant"]) == nil)
        #expect(CallHeaders.problem(with: "x-tenant") == nil)
        for name in ["cookie", "authorization", "host", "x-forwarded-for", "te", "a b", "", "x:y"] {
            #expect(CallHeaders.problem(with: name) != nil, "\(name)")
        }
        for name in CallHeaders.settable { #expect(CallHeaders.problem(with: name) == nil, "\(name)") }
    }

    @Test("a call has the headers of the handshake, and its own in their place")
    func head() {
        let handshake: HTTPHeaders = ["Host": "a.test", "Cookie": "s=1", "Accept": "*/*", "User-Agent": "x"]
        let call = request(
            "POST", "/api?x=1", headers: [HeaderField("accept", "text/csv"), HeaderField("if-match", "\"1\"")],
            body: .json(Array("[1]".utf8)))
        let head = CallCheck.head(of: call, body: CallCheck.body(of: call), handshake: handshake)
        #expect(head.method == .POST)
        #expect(head.uri == "/api?x=1")
        #expect(head.headers["accept"] == ["text/csv"])
        #expect(head.headers["cookie"] == ["s=1"])
        #expect(head.headers["content-type"] == ["application/json"])
        #expect(head.headers["content-length"] == ["3"])
        #expect(head.headers["if-match"] == ["\"1\""])
    }

    @Test("a text is plain text unless the call says otherwise; no body has no length")
    func bodies() {
        let text = request("POST", body: .text("grüße"))
        let plain = CallCheck.head(of: text, body: CallCheck.body(of: text), handshake: [:])
        #expect(plain.headers["content-type"] == ["text/plain; charset=utf-8"])
        #expect(plain.headers["content-length"] == ["7"])
        let csv = request("PUT", headers: [HeaderField("content-type", "text/csv")], body: .text("a,b"))
        #expect(
            CallCheck.head(of: csv, body: CallCheck.body(of: csv), handshake: [:]).headers["content-type"]
                == ["text/csv"])
        let none = request("POST")
        #expect(CallCheck.body(of: none) == nil)
        #expect(CallCheck.head(of: none, body: nil, handshake: [:]).headers.isEmpty)
    }

    @Test("cookies of an answer are not told to scripts")
    func told() {
        let told = CallCheck.told([
            "Content-Type": "text/plain", "Set-Cookie": "s=2; HttpOnly", "Content-Length": "9", "ETag": "\"1\"",
        ])
        #expect(told == [HeaderField("content-type", "text/plain"), HeaderField("etag", "\"1\"")])
    }
}
