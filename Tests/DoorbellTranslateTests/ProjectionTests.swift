import DoorbellCore
import DoorbellTranslate
import Testing

@Suite struct ProjectionTests {
    private func render(
        _ fields: [Projection.Field], _ row: String, before: String? = nil, key: [String] = ["id"],
        kinds: [String: Relation.ColumnKind] = [:]
    ) throws -> Translation {
        let translator = Translator(features: [try feature(tables: [(orders, "all")], versions: [1: .fields(fields)])])
        return translator.translate(
            try change(
                before == nil ? .insert : .update, before: before, after: row, in: relation(key: key, kinds: kinds)),
            queries: ScriptedQueries())
    }

    private func column(_ name: String, _ column: String, _ cast: Projection.Cast? = nil) -> Projection.Field {
        .init(name: name, source: .column(column, cast: cast))
    }

    @Test("fields are picked, renamed, ordered and made constant; names are escaped; spaces between values go")
    func fields() throws {
        let translation = try render(
            [
                column("te\"xt", "body"), .init(name: "kind", source: .constant(Array("{\"a\":1}".utf8))),
                column("ID", "id"),
            ],
            #"{ "id" : 1 , "body" : "\u00e9 é" , "other":[1, 2] }"#)
        #expect(
            translation.lines == [#"all insert v1 key={"ID":1} data={"te\"xt":"\u00e9 é","kind":{"a":1},"ID":1}"#])
    }

    @Test("no fields make an empty object")
    func empty() throws {
        #expect(try render([], #"{"id":1}"#).lines == [#"all insert v1 key={"id":1} data={}"#])
    }

    @Test("every version is rendered, with the key under the version's own names")
    func versions() throws {
        let translator = Translator(features: [
            try feature(
                tables: [(orders, "all")],
                versions: [
                    1: .all, 2: .fields([column("no", "id"), column("again", "id")]),
                    3: .fields([column("id", "id", .string), column("b", "b")]),
                ])
        ])
        let table = relation(key: ["id", "b"])
        #expect(
            translator.translate(try change(.insert, after: #"{"b":2,"id":1}"#, in: table), queries: ScriptedQueries())
                .lines
                == [
                    #"all insert v1 key={"id":1,"b":2} data={"b":2,"id":1}"#
                        + #" v2 key={"no":1,"b":2} data={"no":1,"again":1}"#
                        + #" v3 key={"id":1,"b":2} data={"id":"1","b":2}"#
                ])
    }

    @Test("changed names the fields whose column differs, byte for byte, and columns that are new")
    func changed() throws {
        let fields = [
            column("a", "a"), column("b2", "b"), column("c", "c"), .init(name: "k", source: .constant([0x31])),
        ]
        #expect(
            try render(fields, #"{"id":1,"a":1.0,"b":2,"c":3}"#, before: #"{"b":2,"a":1.00,"id":1}"#).lines
                == [#"all update v1 key={"id":1} data={"a":1.0,"b2":2,"c":3,"k":1} changed=a,c"#])
        let all = Translator(features: [try feature(tables: [(orders, "all")])])
        #expect(
            all.translate(
                try change(.update, before: #"{"id":1,"a":1,"b":2}"#, after: #"{"b":2,"id":1,"n":0,"a":"1"}"#),
                queries: ScriptedQueries()
            ).lines == [#"all update v1 key={"id":1} data={"b":2,"id":1,"n":0,"a":"1"} changed=n,a"#])
    }

    @Test("a table without a key has none, but a delete names its whole projected row")
    func keyless() throws {
        let translator = Translator(features: [
            try feature(tables: [(orders, "all")], versions: [1: .all, 2: .fields([column("A", "a")])])
        ])
        let table = relation(key: [])
        #expect(
            translator.translate(try change(.insert, after: #"{"a":1,"b":2}"#, in: table), queries: ScriptedQueries())
                .lines
                == [#"all insert v1 data={"a":1,"b":2} v2 data={"A":1}"#])
        #expect(
            translator.translate(try change(.delete, before: #"{"a":1,"b":2}"#, in: table), queries: ScriptedQueries())
                .lines
                == [#"all delete v1 key={"a":1,"b":2} v2 key={"A":1}"#])
    }

    @Test(
        "values keep every byte",
        arguments: [
            "9223372036854775807", "123456789012345678901234567890.123456789000", "-0", "1e400", "\"NaN\"",
            "\"-Infinity\"", "true",
            "false", "null", #""""#, #""\ud83d\ude00 \u0000 \/""#, #"{"b":1, "a" : [ ],"b":2}"#, "[1,null,[\"x\"]]",
            #""2024-05-01T10:00:00.123456+00:00""#, #"{"x":1,"y":{"z":null}}"#,
        ])
    func verbatim(_ value: String) throws {
        let translation = try render([column("v", "v")], #"{"id":1,"v":\#(value)}"#)
        #expect(translation.lines == [#"all insert v1 key={"id":1} data={"v":\#(value)}"#])
    }

    @Test(
        "bytea becomes base64 in both of its spellings",
        arguments: [
            (#""\\x""#, #""""#), (#""\\x68""#, #""aA==""#), (#""\\x6869""#, #""aGk=""#), (#""\\x686921""#, #""aGkh""#),
            (#""\\xFBFF00""#, #""+/8A""#), (#""hi""#, #""aGk=""#), (#""\\\\\\001\\377\"""#, #""XAH/Ig==""#),
            ("null", "null"),
        ])
    func bytes(_ text: String, _ base64: String) throws {
        let kinds = ["v": Relation.ColumnKind.bytes]
        #expect(
            try render([column("v", "v")], #"{"id":1,"v":\#(text)}"#, kinds: kinds).lines
                == [#"all insert v1 key={"id":1} data={"v":\#(base64)}"#])
        let all = Translator(features: [try feature(tables: [(orders, "all")])])
        #expect(
            all.translate(
                try change(.insert, after: #"{"id": 1, "v":\#(text)}"#, in: relation(key: ["v"], kinds: kinds)),
                queries: ScriptedQueries()
            ).lines == [#"all insert v1 key={"v":\#(base64)} data={"id":1,"v":\#(base64)}"#])
    }

    @Test("bytea[] becomes base64 element by element")
    func byteArrays() throws {
        #expect(
            try render(
                [column("v", "v")], #"{"id":1,"v":[["\\x68",null],["\\x","a\\\\b"]]}"#, kinds: ["v": .bytesArray]
            ).lines == [#"all insert v1 key={"id":1} data={"v":[["aA==",null],["","YVxi"]]}"#])
    }

    @Test(
        "casts",
        arguments: [
            (Projection.Cast.string, "9007199254740993", "\"9007199254740993\""), (.string, "\"a\\n\"", "\"a\\n\""),
            (.string, "null", "null"), (.string, "true", "\"true\""), (.string, #"{"a":"b"}"#, #""{\"a\":\"b\"}""#),
            (.number, "\"12.50\"", "12.50"), (.number, "7", "7"), (.number, "\"-1e5\"", "-1e5"),
            (.number, "null", "null"),
            (.boolean, "0", "false"), (.boolean, "1", "true"), (.boolean, "\"t\"", "true"),
            (.boolean, "\"f\"", "false"),
            (.boolean, "true", "true"), (.boolean, "null", "null"),
        ])
    func casts(_ cast: Projection.Cast, _ value: String, _ expected: String) throws {
        #expect(
            try render([column("v", "v", cast)], #"{"id":1,"v":\#(value)}"#).lines
                == [#"all insert v1 key={"id":1} data={"v":\#(expected)}"#])
    }

    @Test(
        "a cast that fails is a dead letter, and the change's channels are reset",
        arguments: [
            (Projection.Cast.number, "\"NaN\""), (.number, "\"\""), (.number, "\"1 \""), (.number, "\"01\""),
            (.number, "true"),
            (.number, "[1]"), (.number, "\"[1]\""), (.number, "\"+1\""), (.boolean, "2"), (.boolean, "\"yes\""),
            (.boolean, "[]"),
        ])
    func failedCasts(_ cast: Projection.Cast, _ value: String) throws {
        let translation = try render([column("w", "v", cast)], #"{"id":1,"v":\#(value)}"#)
        #expect(translation.lines == ["all reset: the value of 'v' is not a \(cast.rawValue)"])
        #expect(translation.reasons == ["f public.orders: the value of 'v' is not a \(cast.rawValue)"])
    }

    @Test("bytea text that is none is a dead letter", arguments: [#""\\x6""#, #""\\xzz""#, #""\\9""#, #""\\400""#])
    func badBytes(_ text: String) throws {
        #expect(
            try render([column("v", "v")], #"{"id":1,"v":\#(text)}"#, kinds: ["v": .bytes]).lines
                == ["all reset: the value of 'v' is not bytea text"])
    }

    @Test("a projected column that is gone resets both channels of a move, each once")
    func missingColumn() throws {
        let translator = Translator(features: [
            try feature(tables: [(orders, "o:{o}")], versions: [1: .fields([column("x", "gone")])])
        ])
        let translation = translator.translate(
            try change(.update, before: #"{"id":1,"o":1}"#, after: #"{"id":1,"o":2}"#), queries: ScriptedQueries())
        #expect(
            translation.lines == [
                "o:1 reset: public.orders has no column 'gone'", "o:2 reset: public.orders has no column 'gone'",
            ])
        #expect(translation.deadLetters.count == 1)
    }
}
