import DoorbellCore
import DoorbellTestSupport
import Testing

@Suite struct PollPatternTests {
    private func match(_ pattern: String, _ target: String) throws -> [String: String]? {
        try PollPattern("GET " + pattern).match(target)
    }

    @Test(
        "a target gives the values of its holes",
        arguments: [
            ("/a/{x}", "/a/1", ["x": "1"]), ("/a/{x}/b/{y}", "/a/1/b/2", ["x": "1", "y": "2"]), ("/", "/", [:]),
            ("/a/{x}", "/a/%C3%A9%20", ["x": "é "]), ("/a/{x}", "/a/1?other=2&other=3", ["x": "1"]),
            ("/a?k={x}", "/a?k=v", ["x": "v"]), ("/a?k={x}", "/a?z=1&k=a%2Bb+c", ["x": "a+b c"]),
            ("/a?k=lit&m={x}", "/a?m=1&k=lit", ["x": "1"]),
            ("/a/{x}", "/a/...", ["x": "..."]), ("/a%20b/{x}", "/%61%20b/1", ["x": "1"]),
            ("/a/{x}", "/a/+", ["x": "+"]),
        ] as [(String, String, [String: String])])
    func matches(_ pattern: String, _ target: String, _ values: [String: String]) throws {
        #expect(try match(pattern, target) == values)
    }

    @Test("an encoded slash stays inside its segment")
    func encodedSlash() throws {
        #expect(try match("/a/{x}", "/a/1%2Fb") == ["x": "1/b"])
        #expect(try match("/a/{x}/b", "/a/1%2Fb") == nil)
        let pattern = try PollPattern("GET /a/{x}")
        #expect(pattern.fill(["x": "1/b"]) == "/a/1%2Fb")
    }

    @Test(
        "targets that are another poll, or could be read in two ways",
        arguments: [
            ("/a/{x}", "/a"), ("/a/{x}", "/a/"), ("/a/{x}", "/a/1/"), ("/a/{x}", "//a/1"), ("/a/{x}", "/a//1"),
            ("/a/{x}", "a/1"),
            ("/a/{x}", "/A/1"), ("/a/{x}", "/a/."), ("/a/{x}", "/a/.."), ("/a/{x}", "/a/%2E%2E"), ("/a/{x}", "/a/%2e"),
            ("/a/{x}", "/a/%"), ("/a/{x}", "/a/%ZZ"), ("/a/{x}", "/a/%FF"), ("/a/{x}", "/a/1/../2"), ("/a/{x}", ""),
            ("/a/{x}", "http://h/a/1"), ("/a/{x}", "*"),
            // Two spellings of é, which Swift's == takes for one: other servers do not.
            ("/é/{x}", "/e%CC%81/1"), ("/a?k=é", "/a?k=e%CC%81"),
            ("/a?k={x}", "/a"), ("/a?k={x}", "/a?k="), ("/a?k={x}", "/a?k"), ("/a?k={x}", "/a?k=1&k=1"),
            ("/a?k={x}", "/a?k=1&%6B=2"),
            ("/a?k={x}", "/a?K=1"), ("/a?k={x}", "/a?k=%FF"), ("/a?k=lit", "/a?k=other"),
        ])
    func noMatch(_ pattern: String, _ target: String) throws {
        #expect(try match(pattern, target) == nil)
    }

    @Test(
        "texts that are no pattern are refused",
        arguments: [
            "", "/a", "POST /a", "get /a", "GET a", "GET /a#b", "GET /a/{x", "GET /a/x}", "GET /a/{}", "GET /a/b{x}",
            "GET /a/{x}/{x}",
            "GET /a?k", "GET /a?={x}", "GET /a?k={x}&k={y}", "GET /a/%zz", "GET /a b", "GET /{x}?k={x}", "GET /{a{b}}",
            "GET /_doorbell/health", "GET /_doorbell", "GET /_doorbell?a={a}",
        ])
    func refused(_ text: String) {
        #expect(throws: PollPattern.SyntaxError.self) { try PollPattern(text) }
    }

    @Test("what is filled matches with the same values")
    func inverse() throws {
        var random = SplitMix(state: 99)
        let pattern = try PollPattern("GET /a/{x}/b?k={y}&lit=a%20b")
        #expect(pattern.names == ["x", "y"])
        for _ in 0..<5_000 {
            let values = Dictionary(
                uniqueKeysWithValues: ["x", "y"].map { name in
                    (
                        name,
                        (0...2).map { _ in ChannelTemplateTests.pieces.randomElement(using: &random) ?? "" }.joined()
                    )
                })
            let target = try #require(pattern.fill(values))
            if values["x"] == "." || values["x"] == ".." { continue }
            let found = pattern.match(target)
            for (name, value) in values {
                #expect(found?[name].map { Array($0.utf8) } == Array(value.utf8), "\(target)")
            }
        }
        for values in [
            ["x": "1"], ["x": "1", "y": ""], ["x": "", "y": "1"], ["x": "..", "y": "1"], ["x": ".", "y": "1"],
        ] {
            #expect(pattern.fill(values) == nil)
        }
    }
}
