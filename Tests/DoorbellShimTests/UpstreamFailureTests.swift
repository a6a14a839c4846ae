import DoorbellShim
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct UpstreamFailureTests {
    @Test("a legacy API that is not there is 502 as problem details, and not ready")
    func refused() async throws {
        let legacy = try await LegacyServer { _ in .reply(.ok) }
        let dead = try await LegacyServer { _ in .reply(.ok) }
        let port = dead.port
        await dead.stop()
        // An address of its own: on the common one the port may be given to a server of another test.
        #if os(Linux)
        let host = "127.0.0.3"
        #else
        let host = "127.0.0.1"
        #endif
        try await withShim(legacy) {
            $0.url = "http://\(host):\(port)"
        } _: { shim in
            let raw = try await RawClient(port: shim.port)
            // In one go, because the failure is remembered for some seconds only.
            try await raw.send(
                "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /_doorbell/health/ready HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try await raw.answer()
            #expect(answer.status == 502)
            #expect(answer["content-type"] == "application/problem+json")
            #expect(answer.text.contains("the legacy API at \(host):\(port) cannot be reached"))
            let ready = try await raw.answer()
            #expect(ready.status == 503)
            #expect(ready.text.contains("cannot be reached"))
        }
    }

    @Test("a legacy API that is silent is 504 after the timeout, and its connection is let go")
    func silent() async throws {
        let legacy = try await LegacyServer { request in request.head.uri == "/" ? .silence : .reply(.ok) }
        try await withShim(legacy) {
            $0.answerTimeout = .seconds(3)
        } _: { shim in
            let answer = try await shim.get("/")
            #expect(answer.status == 504)
            #expect(answer.text.contains("did not answer in time"))
            try await eventually("it is let go") { legacy.abandoned == 1 }
            #expect(try await shim.get("/next").status == 200)
            #expect(try await shim.get("/_doorbell/health/ready").status == 200, "an answer heals")
        }
    }

    @Test(
        "an answer with a status below 100 is none: 502, and the service goes on",
        arguments: [
            "HTTP/1.1 050 Odd\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 099 Odd\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ])
    func noStatus(transcript: String) async throws {
        let odd = try await TranscriptServer { _ in transcript }
        let legacy = try await LegacyServer { _ in .reply(.ok) }
        try await withShim(legacy) {
            $0.url = "http://127.0.0.1:\(odd.port)"
        } _: { shim in
            let first = try await shim.get("/")
            let second = try await shim.get("/")
            #expect(first.status == 502 && second.status == 502)
        }
    }

    @Test("a legacy API that switches protocols unasked is 502, and nothing is sent to the client in its name")
    func switches() async throws {
        let legacy = try await LegacyServer { _ in .reply(.switchingProtocols, ["upgrade": "websocket"]) }
        try await withShim(legacy) { shim in
            let answer = try await shim.get("/")
            #expect(answer.status == 502)
            #expect(answer.text.contains("switched protocols"))
        }
    }

    @Test("a legacy API that closes without an answer is 502, and nothing is sent twice")
    func closes() async throws {
        let legacy = try await LegacyServer { _ in .close }
        try await withShim(legacy) { shim in
            let answer = try await shim.request("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")
            #expect(answer.status == 502)
            #expect(legacy.requests.count == 1)
        }
    }

    @Test("an answer that breaks off closes the client's connection, so that it is not taken for whole")
    func breaksOff() async throws {
        let legacy = try await LegacyServer { _ in .breakOff(length: 100) }
        try await withShim(legacy) { shim in
            let raw = try await RawClient(port: shim.port)
            try await raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            try await raw.waitForClose()
            #expect(raw.text.contains("content-length: 100"))
            #expect(raw.text.hasSuffix("broken"))
        }
    }

    @Test(
        "answers that are not HTTP are 502",
        arguments: [
            "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ])
    func garbage(answer: String) async throws {
        let legacy = try await LegacyServer { _ in .reply(.ok) }
        let odd = try await OddServer(answer: answer)
        try await withShim(legacy) {
            $0.url = "http://127.0.0.1:\(odd.port)"
        } _: { shim in
            let status = try await shim.get("/").status
            #expect(status == 502)
        }
        await odd.stop()
    }

    @Test("a URL that is none is said so")
    func badURL() async throws {
        for url in ["", "localhost:3000", "ftp://x", "http://", "http://h?x"] {
            let legacy = try await LegacyServer { _ in .reply(.ok) }
            await #expect(throws: (any Error).self, "\(url)") {
                try await withShim(legacy) {
                    $0.url = url
                } _: { _ in
                }
            }
            await legacy.stop()
        }
    }
}
