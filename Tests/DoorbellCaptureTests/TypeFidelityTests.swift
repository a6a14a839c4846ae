import DoorbellCapture
import DoorbellCore
import DoorbellTesting
import Testing

/// Every type keeps its value from the column to the row image.
@Suite("Type fidelity") struct TypeFidelityTests {
    private static let cases: [(type: String, value: String, json: String)] = [
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("smallint", "-32768", "-32768"),
        ("numeric", "12345678901234567890.123456789012345678900", "12345678901234567890.123456789012345678900"),
        ("numeric", "'NaN'", #""NaN""#),
        ("float8", "0.1", "0.1"), ("float8", "'-Infinity'", #""-Infinity""#), ("float4", "1.1", "1.1"),
        ("float8", "1.7976931348623157e308", "1.7976931348623157e+308"),
        ("boolean", "true", "true"), ("text", "null", "null"),
        ("text", #"E'q"b\\s\n\u00e9\U0001F600'"#, #""q\"b\\s\né😀""#),
        ("char(3)", "'a'", #""a  ""#), ("name", "'n'", #""n""#), (#""char""#, "'c'", #""c""#),
        ("date", "'2024-02-29'", #""2024-02-29""#), ("date", "'infinity'", #""infinity""#),
        ("time", "'23:59:59.999999'", #""23:59:59.999999""#), ("timetz", "'01:02:03+05'", #""01:02:03+05""#),
        ("timestamp", "'2024-01-02 03:04:05.678901'", #""2024-01-02T03:04:05.678901""#),
        ("timestamptz", "'2024-01-02 03:04:05.678901+00'", #""2024-01-02T03:04:05.678901+00:00""#),
        ("timestamptz", "'-infinity'", #""-infinity""#),
        ("interval", "'1 year 2 days 03:04:05'", #""1 year 2 days 03:04:05""#),
        ("bytea", #"'\x00ff10'"#, #""\\x00ff10""#), ("bytea[]", #"array['\x01'::bytea]"#, #"["\\x01"]"#),
        ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", #""a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#),
        ("json", #"'{"b": 1,  "a":"\u0041\u0000", "b":2.50}'"#, #"{"b": 1,  "a":"\u0041\u0000", "b":2.50}"#),
        ("jsonb", #"'{"b":1,"a":[1.50]}'"#, #"{"a": [1.50], "b": 1}"#),
        ("int[]", "'{{1,2},{3,null}}'", "[[1,2],[3,null]]"), ("text[]", #"'{"a,b",null}'"#, #"["a,b",null]"#),
        ("text[]", "'{}'", "[]"), ("pair", "row(1, 'x')::pair", #"{"a":1,"b":"x"}"#),
        ("pair[]", "array[row(1, 'x')::pair]", #"[{"a":1,"b":"x"}]"#),
        ("int4range", "'[1,5)'", #""[1,5)""#), ("tstzrange", "'empty'", #""empty""#),
        ("mood", "'so so'", #""so so""#), ("positive", "7", "7"), ("octets", #"'\x01'"#, #""\\x01""#),
        ("inet", "'192.168.0.1/24'", #""192.168.0.1/24""#), ("macaddr", "'08:00:2b:01:02:03'", #""08:00:2b:01:02:03""#),
        ("point", "'(1,2)'", #""(1,2)""#), ("bit varying", "B'101'", #""101""#), ("xml", "'<a/>'", #""<a/>""#),
        ("tsvector", "'a:1'", #""'a':1""#), ("money", "1.5", #""$1.50""#), ("pg_lsn", "'0/1'", #""0/1""#),
        ("xid8", "'18446744073709551615'", #""18446744073709551615""#), ("oid", "4294967295", #""4294967295""#),
    ]

    @Test("every type keeps its value, and knows which columns are bytes") func everyType() async throws {
        let columns = Self.cases.enumerated().map { "c\($0.offset) \($0.element.type)" }.joined(separator: ", ")
        let (harness, app) = try await CaptureHarness.live(
            """
            create type pair as (a int, b text); create type mood as enum ('so so', 'fine');
            create domain positive as int check (value > 0); create domain octets as bytea; set lc_monetary = 'C';
            create table t (id int primary key, \(columns))
            """, tables: [.named("t")])
        try app.run(
            "set timezone = 'UTC'; insert into t values (1, \(Self.cases.map(\.value).joined(separator: ", ")))")
        _ = try await harness.changes(1)
        let change = try #require(harness.sink.changes.first)
        for (index, expected) in Self.cases.enumerated() where expected.type != "xid8" && expected.type != "oid" {
            let value = change.after?["c\(index)"].map { String(decoding: $0, as: UTF8.self) }
            if expected.type == "money" { continue }
            #expect(value == expected.json, "\(expected.type) \(expected.value)")
            let kind = change.relation.kind(of: "c\(index)")
            switch expected.type {
            case "bytea", "octets": #expect(kind == .bytes)
            case "bytea[]": #expect(kind == .bytesArray)
            default: #expect(kind == .plain, "\(expected.type)")
            }
        }
    }

    @Test("hstore becomes an object, when the server has it") func hstore() async throws {
        let (harness, app) = try await CaptureHarness.live("create table t (id int)", tables: [.named("t")])
        guard try !app.run("select from pg_available_extensions where name = 'hstore'").isEmpty else { return }
        try app.run("create extension hstore; alter table t add h hstore; insert into t values (1, 'a=>1,b=>NULL')")
        #expect(try await harness.changes(1) == [#"insert public.t {"id":1,"h":{"a": "1", "b": null}}"#])
    }
}
