import DoorbellCore
import Testing

@Suite struct RowImageTests {
    private func row(_ json: String) throws -> RowImage { try RowImage(json: Array(json.utf8)) }

    @Test("columns keep their order and their values' bytes")
    func columns() throws {
        let row = try row(#"{"id" : 12345678901234567890 ,"b":" \u00e9","j":{"x": [1, 2]},"n":null}"#)
        #expect(row.columns.map(\.name) == ["id", "b", "j", "n"])
        #expect(row["id"].map { String(decoding: $0, as: UTF8.self) } == "12345678901234567890")
        #expect(row["j"].map { String(decoding: $0, as: UTF8.self) } == #"{"x": [1, 2]}"#)
        #expect(row["z"] == nil)
    }

    @Test("texts: strings are decoded, NULL is not a missing column, other values are as they stand")
    func texts() throws {
        let row = try row(#"{"s":"a\nb","d":1.50,"t":true,"n":null,"j":[1, 2],"e":""}"#)
        #expect(row.text(of: "s") == .some("a\nb"))
        #expect(row.text(of: "d") == .some("1.50"))
        #expect(row.text(of: "t") == .some("true"))
        #expect(row.text(of: "n") == .some(nil))
        #expect(row.text(of: "j") == .some("[1, 2]"))
        #expect(row.text(of: "e") == .some(""))
        #expect(row.text(of: "z") == .none)
    }

    @Test("a column is found from every hint, and outside of all of them")
    func hints() throws {
        let row = try row(#"{"a":1,"b":2,"c":3}"#)
        for hint in -1...5 {
            #expect(row.index(of: "a", from: hint) == 0)
            #expect(row.index(of: "c", from: hint) == 2)
            #expect(row.index(of: "d", from: hint) == nil)
        }
    }

    @Test("only one JSON object is a row", arguments: ["", "[]", "1", "{", "{}x", "{} {}", "null", #"{"a":}"#])
    func refused(_ text: String) {
        #expect(throws: JSONError.self) { try RowImage(json: Array(text.utf8)) }
    }

    @Test("every prefix of a row fails cleanly")
    func prefixes() {
        let bytes = Array(#"{"id":1,"s":"\u00e9é","j":{"x":[1,{}]}}"#.utf8)
        for end in 0..<bytes.count { #expect(throws: JSONError.self) { try RowImage(json: Array(bytes[..<end])) } }
    }
}
