import Testing

@testable import DoorbellServer

@Suite struct RequestBoundaryTests {
    private static let request = "GET /api/orders HTTP/1.1\r\nHost: h\r\n\r\n"

    private func receive(_ text: String, _ boundary: inout RequestBoundary) {
        Array(text.utf8).withUnsafeBytes { boundary.received($0) }
    }

    private func answered(_ boundary: inout RequestBoundary, bodyLength: Int? = 0) -> String? {
        boundary.answered(bodyLength: bodyLength).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("a request that came whole is known when it is answered, and so is the next one")
    func whole() {
        var boundary = RequestBoundary()
        for _ in 0..<3 {
            #expect(boundary.isBetween)
            receive(Self.request, &boundary)
            #expect(!boundary.isBetween)
            #expect(answered(&boundary) == Self.request)
        }
    }

    @Test("a request may come in any pieces, byte for byte too", arguments: [1, 2, 3, 5, 7, 20])
    func pieces(_ size: Int) {
        var boundary = RequestBoundary()
        var rest = Substring(Self.request)
        while !rest.isEmpty {
            receive(String(rest.prefix(size)), &boundary)
            rest = rest.dropFirst(size)
        }
        #expect(answered(&boundary) == Self.request)
    }

    @Test("after a request with a body the next one is known again, and the body is nobody's request")
    func body() {
        var boundary = RequestBoundary()
        receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n1\r\n\r\n2345", &boundary)
        #expect(answered(&boundary, bodyLength: 9) == nil)
        #expect(boundary.isBetween)
        receive(Self.request, &boundary)
        #expect(answered(&boundary) == Self.request)
    }

    @Test(
        "nothing is certain any more where more or less was received than one request",
        arguments: [
            request + "G", request + request, "\r\n\r\n" + request, String(request.dropLast(2)), "",
            "GET / HTTP/1.1\n\n",
            "GET /" + String(repeating: "x", count: 2100) + request.dropFirst(5),
        ])
    func uncertain(_ bytes: String) {
        var boundary = RequestBoundary()
        receive(bytes, &boundary)
        #expect(answered(&boundary) == nil)
        #expect(!boundary.isBetween)
        receive(Self.request, &boundary)
        #expect(answered(&boundary) == nil, "and it does not become so again")
        #expect(!boundary.isBetween)
    }

    @Test("a body whose length is not in the head ends the certainty")
    func chunked() {
        var boundary = RequestBoundary()
        receive("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", &boundary)
        #expect(answered(&boundary, bodyLength: nil) == nil)
        #expect(!boundary.isBetween)
    }
}
