import DoorbellCore
import DoorbellTestSupport
import Testing

@Suite struct JSONScannerTests {
    private func accepts(_ bytes: [UInt8]) -> Bool {
        var scanner = JSONScanner(bytes)
        do throws(JSONError) {
            try scanner.skipValue()
            try scanner.end()
            return true
        } catch {
            #expect((0...bytes.count).contains(error.offset))
            return false
        }
    }

    @Test(
        "valid texts of RFC 8259",
        arguments: [
            "0", "-0", "1", "-1.5", "1e5", "1E+5", "1e-5", "0.0", "10", "\"\"", "\"a\"",
            #""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00""#, "\"é日👩\"",
            "\"\u{7F}\"", #""\ud800""#, "true", "false", "null", "[]", "{}", "[1]", "[[],{}]", #"{"a":1,"a":2,"":{}}"#,
            " \t\r\n[ 1 , 2 ] ",
            #"{ "a" : [ true , null ] }"#, "123456789012345678901234567890", "[[[[[[[[[[]]]]]]]]]]",
        ])
    func valid(_ text: String) {
        #expect(accepts(Array(text.utf8)))
    }

    @Test(
        "invalid texts of RFC 8259",
        arguments: [
            "", " ", "01", "-", "-a", "+1", "1.", ".5", "1e", "1e+", "1.e5", "0x1", "1_0", "NaN", "Infinity",
            "-Infinity", "tru", "True", "nul",
            "truefalse", "'a'", "\"", "\"a", #""\"#, #""\x""#, #""\u12""#, #""\u12g4""#, "\"\n\"", "\"\u{0}\"",
            "\"\t\"", "[", "[1", "[1,", "[1,]", "[,1]",
            "[1 2]", "]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}",
            "{\"a\" 1}", "{\"a\":1 \"b\":2}", "[}",
            "{]", "[1}", "{\"a\":1]", "1 2", "[] []", "{} x", "\u{FEFF}1", "\u{A0}1", "// c\n1", "/**/1", "\u{C}1",
        ])
    func invalid(_ text: String) {
        #expect(!accepts(Array(text.utf8)))
    }

    @Test(
        "strings that are not UTF-8 are refused",
        arguments: [
            [0xFF], [0x80], [0xC0, 0x80], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82],
        ] as [[UInt8]])
    func notUTF8(_ bytes: [UInt8]) {
        #expect(!accepts([0x22] + bytes + [0x22]))
        #expect(!accepts([0x7B, 0x22] + bytes + [0x22, 0x3A, 0x31, 0x7D]))
    }

    @Test("512 levels are read, 513 are refused, and a million are no trouble")
    func depth() {
        func nested(_ depth: Int, _ open: String, _ close: String) -> [UInt8] {
            Array((String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)).utf8)
        }
        #expect(accepts(nested(512, "[", "]")))
        #expect(!accepts(nested(513, "[", "]")))
        #expect(accepts(nested(512, #"{"a":"#, "}")))
        #expect(!accepts(nested(513, #"{"a":"#, "}")))
        #expect(!accepts(nested(1_000_000, "[", "]")))
        #expect(accepts(nested(256, #"[{"a":"#, "}]")))
        // The kinds of all levels are remembered.
        #expect(!accepts(nested(256, #"[{"a":"#, "]}")))
    }

    static let document = #" {"a":[1,-2.5e3,true,false,null,"x\"\u00e9é",{"b":{}}],"c":"","d":[[],[{}]]}"#

    @Test("every prefix of a document fails cleanly, or is white space")
    func prefixes() {
        let bytes = Array(Self.document.utf8)
        for end in 0..<bytes.count { #expect(!accepts(Array(bytes[..<end])), "\(end)") }
        #expect(accepts(bytes))
    }

    @Test("no change of one byte crashes")
    func flipped() {
        let bytes = Array(Self.document.utf8)
        for index in bytes.indices {
            for byte in 0...255 as ClosedRange<UInt8> {
                var changed = bytes
                changed[index] = byte
                if accepts(changed) { #expect(throws: Never.self) { try RowImage(json: changed) } }
            }
        }
    }

    @Test("members and elements are visited in order, and a skipped value is its exact bytes")
    func visiting() throws {
        var scanner = JSONScanner(Array(#"{"a": [1, "x"] , "n":null,"t":true,"f":false,"i":-7}"#.utf8))
        var seen: [String] = []
        try scanner.object { (key, scanner) throws(JSONError) in
            switch key {
            case "a":
                try scanner.array { (scanner) throws(JSONError) in
                    let range = try scanner.skipValue()
                    seen.append("\(range)")
                }
            case "n": seen.append("null \(scanner.null())")
            case "i": seen.append("\(try scanner.integer())")
            default: seen.append("\(try scanner.bool())")
            }
        }
        try scanner.end()
        #expect(seen == ["7..<8", "10..<13", "null true", "true", "false", "-7"])
    }

    @Test("integers must be whole and fit", arguments: ["1.0", "1e2", "9223372036854775808", "\"1\"", "true", ""])
    func integers(_ text: String) {
        var scanner = JSONScanner(Array(text.utf8))
        #expect(throws: JSONError.self) { try scanner.integer() }
    }

    @Test(
        "words that only begin like a value are refused", arguments: ["nullx", "[nulll]", "[truex]", "{\"a\":falsey}"])
    func words(_ text: String) {
        #expect(!accepts(Array(text.utf8)))
    }

    @Test(
        "escapes are decoded; a lone surrogate becomes U+FFFD",
        arguments: [
            (#""a\"\\\/\b\f\n\r\tz""#, "a\"\\/\u{8}\u{C}\n\r\tz"), (#""\u00e9\u65e5""#, "é日"),
            (#""\ud83d\ude00!""#, "😀!"),
            (#""\ud83d!""#, "\u{FFFD}!"), (#""\ude00\ud83d""#, "\u{FFFD}\u{FFFD}"), (#""\u0000""#, "\u{0}"),
            (#""\ud83d\n\ude00""#, "\u{FFFD}\n\u{FFFD}"),
        ])
    func escapes(_ json: String, _ text: String) throws {
        var scanner = JSONScanner(Array(json.utf8))
        #expect(Array(try scanner.string().utf8) == Array(text.utf8))
        #expect(JSONScanner.plainText(Array(json.utf8)[...]).map { Array($0.utf8) } == Array(text.utf8))
    }

    @Test("what the writer writes, the scanner reads")
    func writer() throws {
        var random = SplitMix(state: 3)
        let pieces =
            ChannelTemplateTests.pieces + (0..<32).map { String(Unicode.Scalar(UInt8($0))) } + ["\u{7F}", "\u{2028}"]
        for _ in 0..<5_000 {
            let text = (0..<5).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            var json: [UInt8] = []
            JSONWriter.string(text, to: &json)
            var scanner = JSONScanner(json)
            #expect(Array(try scanner.string().utf8) == Array(text.utf8))
            try scanner.end()
        }
    }

    @Test("the writer's numbers and nulls")
    func numbers() {
        var json: [UInt8] = []
        JSONWriter.integer(Int64.min, to: &json)
        JSONWriter.string(orNull: String?.none, to: &json)
        JSONWriter.string(orNull: "a\u{1}\u{1F}", to: &json)
        #expect(String(decoding: json, as: UTF8.self) == #"-9223372036854775808null"a\u0001\u001f""#)
    }
}
