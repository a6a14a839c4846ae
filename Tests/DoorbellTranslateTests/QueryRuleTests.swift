import DoorbellCore
import DoorbellTranslate
import Testing

@Suite struct QueryRuleTests {
    let translator = try! Translator(features: [
        feature(channel: "room:{id}", queries: [(orders, "select 'room:' || r from m where a = {a} and b = {b}")])
    ])

    @Test("a query names any number of channels, each once; an empty name is none")
    func channels() throws {
        let queries = ScriptedQueries(answers: ["1,NULL": ["room:1", "room:2", "room:1", ""]])
        #expect(
            translator.translate(try change(.insert, after: #"{"id":1,"a":1,"b":null}"#), queries: queries).lines == [
                #"room:1 insert v1 key={"id":1} data={"id":1,"a":1,"b":null}"#,
                #"room:2 insert v1 key={"id":1} data={"id":1,"a":1,"b":null}"#,
            ])
        #expect(queries.calls.values == [["1", nil]])
    }

    @Test("an update that leaves the parameters alone asks once")
    func once() throws {
        let queries = ScriptedQueries(answers: ["1,x": ["room:1"]])
        #expect(
            translator.translate(
                try change(.update, before: #"{"id":1,"a":1,"b":"x","c":1}"#, after: #"{"id":1,"a":1,"b":"x","c":2}"#),
                queries: queries
            ).lines == [#"room:1 update v1 key={"id":1} data={"id":1,"a":1,"b":"x","c":2} changed=c"#])
        #expect(queries.calls.values.count == 1)
    }

    @Test("an update that changes the parameters compares the channels before and after")
    func sets() throws {
        let queries = ScriptedQueries(answers: ["1,x": ["room:1", "room:2"], "2,x": ["room:2", "room:3"]])
        #expect(
            translator.translate(
                try change(.update, before: #"{"id":1,"a":1,"b":"x"}"#, after: #"{"id":1,"a":2,"b":"x"}"#),
                queries: queries
            ).lines == [
                #"room:1 delete v1 key={"id":1}"#,
                #"room:2 update v1 key={"id":1} data={"id":1,"a":2,"b":"x"} changed=a"#,
                #"room:3 insert v1 key={"id":1} data={"id":1,"a":2,"b":"x"}"#,
            ])
        #expect(queries.calls.values.count == 2)
    }

    @Test("a query that fails, a name that is none, and a name that nobody can subscribe to reset the feature")
    func failures() throws {
        let queries = ScriptedQueries(answers: ["bad,x": ["room 1"], "stray,x": ["hall:1"]])
        func lines(_ a: String) throws -> [String] {
            let translation = translator.translate(
                try change(.insert, after: #"{"id":1,"a":"\#(a)","b":"x"}"#), queries: queries)
            #expect(translation.deadLetters.count == 1)
            return translation.lines
        }
        #expect(try lines("unknown") == ["*room:{id} reset: the channel query failed: permission denied"])
        #expect(try lines("bad") == ["*room:{id} reset: the channel query returned 'room 1', which is no channel name"])
        #expect(
            try lines("stray")
                == [
                    "*room:{id} reset: the channel query returned 'hall:1', which no channel template of the feature matches"
                ])
    }

    @Test("a row without a parameter's column resets the feature and asks nothing")
    func missing() throws {
        let queries = ScriptedQueries()
        #expect(
            translator.translate(try change(.delete, before: #"{"id":1,"a":1}"#), queries: queries).lines
                == ["*room:{id} reset: public.orders has no column 'b', which its query needs"])
        #expect(queries.calls.values.isEmpty)
    }

    @Test("one failed rule makes one reset and no change for the whole feature, so that no channel hears twice")
    func oneReset() throws {
        let mixed = Translator(features: [
            try feature(tables: [(orders, "o:{id}")], queries: [(orders, "select {a}")])
        ])
        let translation = mixed.translate(try change(.insert, after: #"{"id":1,"a":1}"#), queries: ScriptedQueries())
        #expect(translation.lines == ["*o:{id} reset: the channel query failed: permission denied"])
    }
}
