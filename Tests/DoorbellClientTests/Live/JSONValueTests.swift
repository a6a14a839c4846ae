import DoorbellCore
import Testing

@testable import DoorbellClient

@Suite struct JSONValueTests {
    private func parse(_ text: String) -> JSONValue? { try? JSONValue(parsing: Array(text.utf8)) }

    @Test("values are equal whatever the order of members and the way a number is written")
    func equality() {
        #expect(parse(#"{"a":1,"b":[true,null]}"#) == parse(#" { "b" : [ true , null ] , "a" : 1.0 } "#))
        #expect(parse("1e2") == .integer(100))
        #expect(parse("-0") == .integer(0))
        #expect(parse("0.5") == .number(0.5))
        #expect(JSONValue.number(3) == .integer(3))
        #expect(JSONValue.number(3).hashValue == JSONValue.integer(3).hashValue)
        #expect(parse("9007199254740993") != parse("9007199254740992"))
        #expect(parse("[1,2]") != parse("[2,1]"))
        #expect(parse("null") != parse("false"))
        #expect(parse(#""1""#) != parse("1"))
        #expect(parse("\"\u{e9}\"") != parse("\"e\u{301}\""))
        #expect(parse(#"{"a":1,"a":2}"#) == ["a": 2])
    }

    @Test("what is written is the same for equal values and is read as it was")
    func writing() {
        let value: JSONValue = ["b": [1, 2.5, "\"\n", .null, true], "a": .number(7), "c": .number(1e300)]
        #expect(value.description == #"{"a":7,"b":[1,2.5,"\"\n",null,true],"c":1e+300}"#)
        #expect(parse(value.description) == value)
        #expect(JSONValue.number(.infinity).description == "null")
        #expect(value.digest.count == 16)
        #expect(value.digest == parse(value.description)?.digest)
    }

    @Test(
        "what is no JSON is refused",
        arguments: [
            "", " ", "{", "[", "]", "{]", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "[1,]", "[1 2]", "1 2", "01", "1.", "-",
            "nul", "nulll",
            "tru", "\"", #""\x""#, #""\u12""#, "'a'", "{a:1}", "NaN", "Infinity", "1e999", "-1e999", "\u{feff}1",
        ])
    func refused(text: String) { #expect(parse(text) == nil) }

    @Test("nesting is bounded, and every prefix and every changed byte of a text is read or refused")
    func hostile() {
        let depth = JSONValue.maximumDepth
        #expect(parse(String(repeating: "[", count: depth) + String(repeating: "]", count: depth)) != nil)
        #expect(parse(String(repeating: "[", count: depth + 1) + String(repeating: "]", count: depth + 1)) == nil)
        #expect(parse(String(repeating: #"{"a":"#, count: 100_000)) == nil)
        let text = Array(#"{"a":[1,-2.5e3,"\u00e9\ud83d\ude00",true,false,null,{}],"b":{"c":"é"}}"#.utf8)
        for end in text.indices { #expect((try? JSONValue(parsing: Array(text[..<end]))) == nil) }
        for index in text.indices {
            for byte in [0x00, 0x22, 0x2C, 0x5B, 0x5C, 0x7D, 0x80, 0xFF] as [UInt8] {
                var changed = text
                changed[index] = byte
                guard let value = try? JSONValue(parsing: changed) else { continue }
                #expect((try? JSONValue(parsing: value.json)) == value)
            }
        }
    }

    @Test("parts are there or not, of whatever kind the value is")
    func parts() throws {
        let value: JSONValue = ["a": [1, "x"], "n": 2.5]
        let list = try #require(value["a"])
        #expect(list[1]?.string == "x")
        #expect(list[2] == nil)
        #expect(list[-1] == nil)
        #expect(list[0]?.number == 1)
        #expect(value["b"] == nil)
        #expect(value[0] == nil)
        #expect(JSONValue.null["a"] == nil)
        #expect(value["n"]?.number == 2.5)
        #expect(value["n"]?.integer == nil)
        struct Row: Decodable, Equatable { let id: Int }
        let row: JSONValue = ["id": 7]
        #expect(try row.decode(Row.self) == Row(id: 7))
        #expect(throws: DecodingError.self) { _ = try value.decode(Row.self) }
    }

    @Test(
        "merge patches do what RFC 7386, appendix A, says",
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
            (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
            (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"),
            (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
            (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#), ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
            ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
        ] as [(String, String, String)])
    func patches(original: String, patch: String, result: String) throws {
        #expect(try #require(parse(original)).merging(try #require(parse(patch))) == parse(result))
    }

    @Test("a difference is told by its fields")
    func differences() {
        let body: JSONValue = ["at": 1, "list": ["items": [["id": 1, "price": 1], ["id": 2, "price": 2]]]]
        #expect(body.differences(from: body) == [])
        #expect(
            body.differences(
                from: ["at": 2, "list": ["items": [["id": 1, "price": "1"], ["id": 2, "price": "2", "by": 7]]]])
                == ["at", "list.items[].price", "list.items[].by"])
        #expect(body.differences(from: ["at": 1, "list": ["items": []]]) == ["list.items"])
        #expect(JSONValue.null.differences(from: [1]) == ["body"])
        let time: JSONValue = "2026-11-26T10:00:00.5+00:00"
        for same in [
            "2026-11-26T10:00:00.500000+00:00", "2026-11-26T10:00:00.5Z", "2026-11-26 10:00:00.50-00:00",
        ] {
            #expect(time.differences(from: .string(same)) == [])
        }
        for other in ["2026-11-26T10:00:00.05Z", "2026-11-26T10:00:00.5+01:00", "2026-11-26T10:00:00.5", "Thu, 26 Nov"]
        {
            #expect(time.differences(from: .string(other)) == ["body"])
        }
        #expect(JSONValue.object(["a": 1]).differences(from: nil) == ["body"])
    }
}
