import DoorbellServer
import NIOHTTP1
import Testing

@testable import DoorbellShim

@Suite struct ProxyHeadersTests {
    @Test("Connection cannot make us drop what a message needs")
    func connectionTokens() {
        let kept = ProxyHeaders.withoutHopByHop([
            "host": "h", "content-length": "3", "connection": "close, host, Content-Length, x-drop", "X-Drop": "1",
        ])
        #expect(kept["host"] == ["h"])
        #expect(kept["content-length"] == ["3"])
        #expect(!kept.contains(name: "x-drop"))
    }

    @Test("IPv6 peers are written as Forwarded wants them")
    func ipv6() {
        let headers = ProxyHeaders.request(
            ["host": "h:80"], from: RequestOrigin(address: "::1", isTLS: true))
        #expect(headers["x-forwarded-for"] == ["::1"])
        #expect(headers["forwarded"] == [#"for="[::1]";host="h:80";proto=https"#])
        #expect(headers["x-forwarded-proto"] == ["https"])
    }

    @Test("several lines of X-Forwarded-For become one list")
    func lists() {
        var given = HTTPHeaders()
        given.add(name: "X-Forwarded-For", value: "1.1.1.1")
        given.add(name: "x-forwarded-for", value: "2.2.2.2")
        let headers = ProxyHeaders.request(given, from: RequestOrigin(address: "3.3.3.3", isTLS: false))
        #expect(headers["x-forwarded-for"] == ["1.1.1.1, 2.2.2.2, 3.3.3.3"])
    }
}
