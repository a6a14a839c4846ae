import DoorbellCore
import Testing

@Suite struct JSONPathTests {
    @Test(
        "a path is read and written as it stands",
        arguments: ["$", "$.a", "$.items[*].age", "$['a b'].*", "$[*][*]", "$['']"])
    func roundTrip(_ text: String) throws {
        #expect(try JSONPath(text).description == text)
    }

    @Test(
        "what is no path is refused with a sentence",
        arguments: [
            ("a.b", "a path begins with '$', such as '$.items[*].age', not 'a.b'"),
            ("$.", "a name is missing in '$.'"),
            ("$..a", "a name is missing in '$..a'"),
            ("$.a[0]", "'[0]' in '$.a[0]' is no step of a path: write '.name', '['name']', '.*' or '[*]'"),
            ("$['a'", "'['a'' in '$['a'' is no step of a path: write '.name', '['name']', '.*' or '[*]'"),
        ])
    func mistakes(_ text: String, _ sentence: String) {
        do {
            _ = try JSONPath(text)
            Issue.record("it was read")
        } catch {
            #expect(error.description == sentence)
        }
    }

    @Test("a path covers itself and what is inside")
    func covers() throws {
        let items = try JSONPath("$.items[*]")
        #expect(items.covers(items))
        #expect(items.covers(try JSONPath("$.items[*].a.b")))
        #expect(!items.covers(try JSONPath("$.items")))
        #expect(!items.covers(try JSONPath("$.other[*].a")))
        #expect(try JSONPath("$.*.at").covers(JSONPath("$.meta.at")))
        #expect(JSONPath.root.covers(items))
    }
}
