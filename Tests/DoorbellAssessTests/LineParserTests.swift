import DoorbellCore
import Testing

@testable import DoorbellAssess

@Suite struct LineParserTests {
    private static let combined =
        #"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "GET /api/orders/42?since=1700000000 HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11)""#
    /// 2026-05-28T18:26:40Z.
    private static let time: Int64 = 1_779_992_800_000

    private func read(_ line: String, _ format: String? = nil, client: String? = nil) throws -> (LogEntry, String) {
        let found =
            try format.map { try LogFormat($0, client: client) }
            ?? #require(
                Array(line.utf8).withUnsafeBytes { LogFormat.guess($0, client: client)?.format }, "no format fits")
        let log = ReadLog(line + "\n", format: found)
        #expect(log.badLines == 0)
        return (try #require(log.entries.first), String(decoding: try #require(log.targets.first), as: UTF8.self))
    }

    private struct Written: Sendable, CustomTestStringConvertible {
        let format: String
        let line: String
        var testDescription: String { format }
    }

    private static let plain =
        #"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "GET /api/orders/42?since=1700000000 HTTP/1.1" 200 512"#
    private static let nginx = #"""
        {"remote_addr":"192.0.2.7","time_iso8601":"2026-05-28T20:26:40+02:00","request":"GET /api/orders/42?since=1700000000 HTTP/1.1",\#
        "status":"200","body_bytes_sent":"512","http_user_agent":"Mozilla/5.0 (X11)"}
        """#
    private static let caddy = #"""
        {"level":"info","ts":1779992800.0,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.7",\#
        "remote_port":"4711","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"app.example",\#
        "uri":"/api/orders/42?since=1700000000","headers":{"User-Agent":["Mozilla/5.0 (X11)"],"Accept":["*/*"]},\#
        "tls":{"resumed":false,"version":772}},"bytes_read":0,"user_id":"","duration":0.0035,"size":512,"status":200,\#
        "resp_headers":{"Status":["500"],"Content-Type":["application/json"]}}
        """#
    private static let balancer = #"""
        https 2026-05-28T18:26:40.000000Z app/balancer/50dc6c 192.0.2.7:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 512 \#
        "GET https://app.example:443/api/orders/42?since=1700000000 HTTP/1.1" "Mozilla/5.0 (X11)" ECDHE TLSv1.2 arn:aws:x "Root=1"
        """#
    private static let formats: [Written] = [
        Written(format: "combined", line: combined), Written(format: "common", line: plain),
        Written(format: "vhost-combined", line: "app.example:443 " + combined),
        Written(format: "vhost-common", line: "app.example:443 " + plain),
        Written(format: "json", line: nginx), Written(format: "json", line: caddy),
        Written(format: "alb", line: balancer),
    ]

    @Test(arguments: formats)
    private func `the same request is read from each format, which is found out`(written: Written) throws {
        let line = written.line
        let name = written.format
        let format = try #require(Array(line.utf8).withUnsafeBytes { LogFormat.guess($0, client: nil)?.format })
        #expect(format.description == name)
        let (entry, target) = try read(line)
        let (plain, _) = try read(Self.combined, "combined")
        #expect(target == "/api/orders/42?since=1700000000")
        #expect(entry.time == Self.time)
        #expect(entry.status == 200)
        #expect(entry.bytes == 512)
        #expect(entry.method == .get)
        #expect(entry.url == plain.url)
        #expect(entry.shape == plain.shape)
        #expect(entry.address == plain.address)
        if !name.contains("common") { #expect(entry.client == plain.client) }
    }

    @Test func `a format string of nginx is taken as it stands in its configuration`() throws {
        let (entry, target) = try read(
            #"192.0.2.7|1779992800.250|/a/7?x=1|304|0|0.012|"curl/8""#,
            #"$remote_addr|$msec|${request_uri}|$status|$body_bytes_sent|$request_time|"$http_user_agent""#)
        #expect(target == "/a/7?x=1")
        #expect(entry.time == Self.time + 250)
        #expect(entry.duration == 12_000)
        #expect(entry.agent == .program)
    }

    @Test func `a format string of Apache is taken as it stands in its configuration`() throws {
        let (entry, target) = try read(
            #"192.0.2.7 [28/May/2026:20:26:40 +0200] 1500 GET /a ?x=1 200 7"#, #"%h %t %D %m %U %q %>s %O"#)
        #expect(target == "/a")
        #expect(entry.duration == 1500)
        let (whole, _) = try read(
            #"192.0.2.7 [28/May/2026:20:26:40 +0200] "GET /a?x=1 HTTP/1.1" 200"#, #"%h %t \"%r\" %>s"#)
        #expect(entry.url == whole.url)
    }

    @Test func `the client is the field that is named for it`() throws {
        let format = #"$remote_addr [$time_local] "$request" $status "$cookie_sid""#
        func line(_ address: String, _ cookie: String) -> String {
            #"\#(address) [28/May/2026:20:26:40 +0200] "GET / HTTP/1.1" 200 "\#(cookie)""#
        }
        let one = try read(line("192.0.2.7", "abc"), format, client: "$cookie_sid").0
        #expect(try read(line("192.0.2.8", "abc"), format, client: "$cookie_sid").0.client == one.client)
        #expect(try read(line("192.0.2.7", "def"), format, client: "$cookie_sid").0.client != one.client)
        // Without a cookie it is the address.
        #expect(
            try read(line("192.0.2.7", "-"), format, client: "$cookie_sid").0.client
                != read(line("192.0.2.8", "-"), format, client: "$cookie_sid").0.client)
        #expect(throws: DoorbellError.self) { try LogFormat("combined", client: "$cookie_sid") }
    }

    @Test func `the first address of X-Forwarded-For is the client's, where there is one`() throws {
        let format = #"$remote_addr [$time_local] "$request" $status "$http_x_forwarded_for""#
        func address(_ forwarded: String) throws -> UInt32 {
            try read(#"10.0.0.1 [28/May/2026:20:26:40 +0200] "GET / HTTP/1.1" 200 "\#(forwarded)""#, format).0.address
        }
        #expect(try address("192.0.2.7, 10.0.0.9") == address("192.0.2.7"))
        #expect(try address("192.0.2.7") != address("-"))
    }

    @Test func `quotes and backslashes in an agent do not end it`() throws {
        let line = #"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "GET /a HTTP/1.1" 200 1 "-" "a \"b\" \\""#
        #expect(try read(line, "combined").1 == "/a")
    }

    @Test func `targets in JSON are unescaped`() throws {
        let line =
            #"{"ip":"192.0.2.7","time":"2026-05-28T18:26:40Z","method":"GET","uri":"\/a?x=1\u0026y=2","status":200}"#
        let (entry, target) = try read(line, "json")
        #expect(target == "/a?x=1&y=2")
        let plain = try read(
            #"{"ip":"192.0.2.7","time":"2026-05-28T18:26:40Z","method":"GET","uri":"/a?y=2&x=1","status":200}"#, "json"
        ).0
        #expect(entry.url == plain.url, "the order of the keys does not matter")
    }

    @Test func `values that change from poll to poll are no part of what is asked for`() throws {
        func url(_ target: String) throws -> UInt64 {
            try read(#"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "GET \#(target) HTTP/1.1" 200 1"#, "common").0.url
        }
        #expect(try url("/m?since=1") == url("/m?since=2"))
        #expect(try url("/m?_=1700000000001") == url("/m?_=1700000000002"))
        #expect(try url("/m?when=1700000000") == url("/m?when=1700000005"))
        #expect(try url("/m?x=0.12345678") == url("/m?x=0.87654321"))
        #expect(try url("/m?at=2026-05-28T10:00:00Z") == url("/m?at=2026-05-28T10:00:05Z"))
        #expect(try url("/m?page=1") != url("/m?page=2"))
        #expect(try url("/m?id=7") != url("/m"))
    }

    @Test(arguments: [
        (#"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "-" 408 0"#, 1, 0),
        (#"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "\x16\x03\x01" 400 226"#, 1, 0),
        (#"192.0.2.7 - - [99/May/2026:20:26:40 +0200] "GET / HTTP/1.1" 200 0"#, 0, 1),
        (#"192.0.2.7 - - [28/Mai/2026:20:26:40 +0200] "GET / HTTP/1.1" 200 0"#, 0, 1),
        (#"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "GET / HTTP/1.1" OK 0"#, 0, 1),
        (#"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "GET / HTTP"#, 0, 1), ("hello", 0, 1), ("\u{0}\u{1}", 0, 1),
    ])
    func `lines without a request, and lines that are none, are counted`(line: String, without: Int, bad: Int) throws {
        let log = ReadLog(line + "\n\n", format: try LogFormat("common"))
        #expect(log.entries.isEmpty)
        #expect(log.noRequests == without)
        #expect(log.badLines == bad)
        #expect(log.lines == 1)
    }

    @Test func `a format that lacks what is needed is refused with the reason`() {
        for (format, part) in [
            ("hello", "neither variables"), ("$status", "a time"), ("$remote_addr [$time_local]", "the request"),
            ("%h%l", "nothing stands between"),
        ] {
            let error = #expect(throws: DoorbellError.self) { try LogFormat(format) }
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        }
    }
}
