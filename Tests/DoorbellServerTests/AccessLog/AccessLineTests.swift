import DoorbellCore
import NIOHTTP1
import Testing

@testable import DoorbellServer

@Suite struct AccessLineTests {
    private static func line(
        _ uri: String, _ headers: HTTPHeaders = [:], client: String? = "192.0.2.1", isHTTP2: Bool = false
    ) -> String {
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: uri, headers: headers)
        let line = AccessLine(client: client, head: head, isHTTP2: isHTTP2)
        return String(
            decoding: line.bytes(status: 200, sent: 512, now: Timestamp(microseconds: 1_795_659_528_999_999)),
            as: UTF8.self)
    }

    @Test("a line is in the combined format")
    func combined() {
        #expect(
            Self.line("/a?b=c", ["referer": "https://app.example/x", "user-agent": "Mozilla/5.0 (X11)"])
                == #"192.0.2.1 - - [26/Nov/2026:02:18:48 +0000] "GET /a?b=c HTTP/1.1" 200 512 "https://app.example/x" "Mozilla/5.0 (X11)""#
                + "\n")
        #expect(
            Self.line("/", client: nil, isHTTP2: true)
                == #"- - - [26/Nov/2026:02:18:48 +0000] "GET / HTTP/2.0" 200 512 "-" "-""# + "\n")
        let nothing = AccessLine(client: "::1", head: nil, isHTTP2: false)
        #expect(
            String(decoding: nothing.bytes(status: 400, sent: 0, now: Timestamp(microseconds: 0)), as: UTF8.self)
                == #"::1 - - [01/Jan/1970:00:00:00 +0000] "-" 400 0 "-" "-""# + "\n")
    }

    @Test("quotes, backslashes, control characters and bytes beyond ASCII cannot end a field or a line")
    func escapes() {
        let line = Self.line("/\"\\", ["user-agent": "a\" \"b\\\u{1B}[31m\t\u{7F}é"])
        #expect(line.hasSuffix(#""GET /\"\\ HTTP/1.1" 200 512 "-" "a\" \"b\\\x1b[31m\x09\x7f\xc3\xa9""# + "\n"))
        #expect(line.utf8.count { $0 == 0x0A } == 1)
    }

    @Test(
        "what lets somebody in is not written",
        arguments: [
            ("/_doorbell/sse?ticket=abc", "/_doorbell/sse?ticket=***"),
            ("/a?x=1&token=abc&y=2", "/a?x=1&token=***&y=2"),
            ("/a?TOKEN=abc", "/a?TOKEN=***"),
            ("/a?t%6Fken=abc", "/a?t%6Fken=***"),
            ("/a?access_token=a.b.c#x", "/a?access_token=***#x"),
            ("/a?x=1;token=a;b", "/a?x=1;token=***"),
            ("/cb#id_token=abc&x=1", "/cb#id_token=***&x=1"),
            ("/a?token=", "/a?token=***"),
            ("/a?token", "/a?token"),
            ("/a?mytoken=1&tokens=2", "/a?mytoken=1&tokens=2"),
            ("/token=1", "/token=1"),
            ("/a?", "/a?"), ("/a?&=&", "/a?&=&"), ("", ""),
        ])
    func redacts(url: String, written: String) {
        #expect(String(decoding: AccessLine.redacted(Array(url.utf8)), as: UTF8.self) == written)
        let line = Self.line("/", ["referer": "https://h\(url)"])
        #expect(line.contains("\"https://h\(written)\""))
    }

    @Test(
        "days are counted right",
        arguments: [
            (951_782_400, "29/Feb/2000:00:00:00 +0000"), (4_107_542_399, "28/Feb/2100:23:59:59 +0000"),
            (4_107_542_400, "01/Mar/2100:00:00:00 +0000"), (1_735_689_599, "31/Dec/2024:23:59:59 +0000"),
            (1_735_689_600, "01/Jan/2025:00:00:00 +0000"), (-1, "31/Dec/1969:23:59:59 +0000"),
        ] as [(Int64, String)])
    func times(seconds: Int64, text: String) {
        #expect(AccessLine.time(Timestamp(microseconds: seconds * 1_000_000)) == text)
    }
}
