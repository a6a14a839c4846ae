import Testing

@testable import DoorbellClient

@Suite struct WebSocketURLTests {
    @Test(
        "a URL gives host, port and request target",
        arguments: [
            ("ws://a", "a", 80, "/", "a", false),
            ("HTTP://a:8080/", "a", 8080, "/", "a:8080", false),
            ("wss://example.com/x/y?q=1#f", "example.com", 443, "/x/y?q=1", "example.com", true),
            ("https://a:443?q", "a", 443, "/?q", "a", true),
            ("https://a:80/", "a", 80, "/", "a:80", true),
            ("ws://[::1]:9/", "::1", 9, "/", "[::1]:9", false),
            ("ws://[::1]", "::1", 80, "/", "[::1]", false),
            ("ws://a:/b", "a", 80, "/b", "a", false),
        ])
    func reads(_ text: String, _ host: String, _ port: Int, _ target: String, _ header: String, _ isSecure: Bool) throws
    {
        let url = try #require(WebSocketURL(text))
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.target == target)
        #expect(url.hostHeader == header)
        #expect(url.isSecure == isSecure)
    }

    @Test(
        "what is no such URL is refused",
        arguments: [
            "", "a", "/a", "ftp://a", "ws://", "ws:///x", "ws://:80", "ws://u:p@a", "ws://a:0", "ws://a:65536",
            "ws://a:+1",
            "ws://a:x", "ws://[::1", "ws://[::1]x", "ws://a/b c", "ws://a/\r\nX: y", "ws://a/ä",
        ])
    func refuses(_ text: String) {
        #expect(WebSocketURL(text) == nil)
    }
}
