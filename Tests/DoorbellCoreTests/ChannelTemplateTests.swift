import DoorbellCore
import DoorbellTestSupport
import Testing

@Suite struct ChannelTemplateTests {
    private func name(_ text: String) throws -> ChannelName { try #require(ChannelName(text)) }

    private func expand(_ template: String, _ values: [String: String?]) throws -> ChannelTemplate.Expansion {
        try ChannelTemplate(template).expand { values[$0] }
    }

    @Test("holes are filled, and values are escaped so that they can add no segment")
    func expansion() throws {
        #expect(try expand("user:{id}:inbox", ["id": "7"]) == .channel(name("user:7:inbox")))
        #expect(try expand("a/x-{b}.y", ["b": "1/2:3%é {}"]) == .channel(name("a/x-1%2F2%3A3%25%C3%A9%20%7B%7D.y")))
        #expect(try expand("{a}:{b}", ["a": "1", "b": "2"]) == .channel(name("1:2")))
        #expect(try expand("fixed", [:]) == .channel(name("fixed")))
    }

    @Test("NULL and empty name no channel, a missing column is another thing")
    func absence() throws {
        #expect(try expand("a:{b}", ["b": nil]) == .absent("b"))
        #expect(try expand("a:{b}", ["b": ""]) == .absent("b"))
        #expect(try expand("a:{b}", ["c": "1"]) == .missing("b"))
        #expect(try expand("a:{b}", ["b": String(repeating: "x", count: 253)]) != .tooLong)
        #expect(try expand("a:{b}", ["b": String(repeating: "x", count: 254)]) == .tooLong)
        #expect(try expand("a:{b}", ["b": String(repeating: "é", count: 50)]) == .tooLong)
    }

    @Test(
        "texts that are no template are refused with a sentence",
        arguments: [
            ("", "a channel template may not be empty"), ("a:{b", "'{' without '}' in 'a:{b'"),
            ("a:{}", "'{}' is not a name in 'a:{}'"),
            ("{a{b}", "'{a{b}' is not a name in '{a{b}'"), ("a}", "'}' without '{' in 'a}'"),
            ("{a}{b}", "'{a}{b}' has two names in one segment; put ':' or '/' between them"),
            ("a b", "' ' is not allowed in a channel, in 'a b'"),
            ("a%20", "'%' is not allowed in a channel, in 'a%20'"),
            ("é", "'é' is not allowed in a channel, in 'é'"),
            ("a\r\n", "'\r\n' is not allowed in a channel, in 'a\r\n'"),
        ])
    func syntax(_ text: String, _ sentence: String) {
        #expect {
            _ = try ChannelTemplate(text)
        } throws: { "\($0)" == sentence }
    }

    /// Pieces that have a meaning somewhere: separators, escapes, ends of literal text, combining and astral characters.
    static let pieces = [
        ":", "/", "%", "%2F", "%zz", "a", "x-", "-y", ".", "..", "{", "}", " ", "\u{0}", "\n", "\r\n", "é", "e\u{301}",
        "日本", "👩‍👩‍👧",
        "+", "=", "@", "~", "#", "?", "&", "\"", "\\", "'", "7", "null", "\u{FEFF}", "\u{10FFFF}",
    ]

    @Test("match is the exact inverse of expand, whatever the values")
    func inverse() throws {
        var random = SplitMix(state: 42)
        let templates = try [
            "{a}", "u:{a}", "{a}:u", "x-{a}-y", "x-{a}-y/{b}", "{a}:{b}:{c}", "a:{a}/b:{b}", "a#{a}", "{a}:{a}",
            "0{a}0:00{b}",
        ].map { try ChannelTemplate($0) }
        var matched = 0
        for round in 0..<20_000 {
            let template = templates[round % templates.count]
            var values: [String: String] = [:]
            for name in template.names {
                values[name] = (0...Int.random(in: 0...4, using: &random)).map { _ in
                    Self.pieces.randomElement(using: &random) ?? ""
                }.joined()
            }
            guard case .channel(let channel) = template.expand({ values[$0].map { .some($0) } }) else { continue }
            let found = try #require(template.match(channel))
            #expect(found.keys == values.keys)
            // Compared by bytes: Swift calls é and e + accent equal, a database does not.
            for (name, value) in values { #expect(found[name].map { Array($0.utf8) } == Array(value.utf8)) }
            matched += 1
        }
        #expect(matched > 15_000)
    }

    @Test("whatever matches expands to the same channel again, or the channel was spelt in another way")
    func canonical() throws {
        var random = SplitMix(state: 7)
        let template = try ChannelTemplate("x-{a}-y:{b}")
        let alphabet = Array("x-ya%2F3:/#b".utf8)
        for _ in 0..<20_000 {
            let text =
                "x-"
                + String(
                    decoding: (0..<8).map { _ in alphabet.randomElement(using: &random) ?? 0 }, as: UTF8.self)
            guard let channel = ChannelName(text), let values = template.match(channel) else { continue }
            guard case .channel(let again) = template.expand({ values[$0].map { .some($0) } }) else {
                Issue.record("\(channel) matches with \(values), which do not expand")
                continue
            }
            #expect(template.match(again) == values)
        }
    }

    @Test(
        "a channel spelt in another way than expansion spells it does not match",
        arguments: [
            ("u:{a}", "u:%61"), ("u:{a}", "u:%2f"), ("u:{a}", "u:a%"), ("u:{a}", "u:%FF"), ("u:{a}", "u:"),
            ("u:{a}", "u:a:"),
            ("u:{a}", "u:a#b"), ("u:{a}", "u/a"), ("u:{a}", "v:a"), ("u:{a}", "u"), ("x{a}x", "xx"), ("x{a}x", "x"),
            ("a", "a:b"),
            ("{a}:{a}", "1:2"),
        ])
    func noMatch(_ template: String, _ channel: String) throws {
        #expect(try ChannelTemplate(template).match(name(channel)) == nil)
    }

    @Test("a value may stand twice if it is the same")
    func twice() throws {
        #expect(try ChannelTemplate("{a}:{a}").match(name("1:1")) == ["a": "1"])
    }

    @Test(
        "templates overlap when some channel matches both",
        arguments: [
            ("a:{x}", "a:{y}", true), ("a:{x}", "a/{x}", false), ("a:{x}", "b:{x}", false), ("a:{x}", "{y}:b", true),
            ("a:{x}", "a:{x}:c", false), ("a:b", "a:{x}", true), ("a:b", "a:b{x}", false), ("a:bc", "a:b{x}", true),
            ("p{x}", "q{x}", false), ("{x}p", "{x}q", false), ("p{x}", "{x}q", true), ("aa", "a{x}a", false),
            ("aba", "a{x}a", true),
            ("aa{x}", "{x}aa", true),
        ])
    func overlap(_ a: String, _ b: String, _ expected: Bool) throws {
        let a = try ChannelTemplate(a)
        let b = try ChannelTemplate(b)
        #expect(a.overlaps(b) == expected)
        #expect(b.overlaps(a) == expected)
    }
}
