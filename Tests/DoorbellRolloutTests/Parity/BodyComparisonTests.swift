import DoorbellCore
import Testing

@testable import DoorbellRollout

@Suite struct BodyComparisonTests {
    private func lines(_ before: String, _ after: String) throws -> [String] {
        let comparison = BodyComparison(
            settings: ParitySettings(), elapsed: 3, at: Timestamp(microseconds: ParityTrial.start))
        return comparison.differences(from: try JSONTree(Array(before.utf8)), to: try JSONTree(Array(after.utf8)))
            .lines.map { "\($0.shape.text) | \($0.line.path): \($0.line.before ?? "-") → \($0.line.after ?? "-")" }
    }

    @Test(
        "differences are told by their places",
        arguments: [
            (#"{"a":1,"b":{"c":[]}}"#, #"{"b":{"c":[]},"a":1}"#, []),
            (#"{"a":1}"#, #"{"a":1.0}"#, ["$.a | $.a: 1 → 1.0"]),
            (#"{"a b":1}"#, #"{"a b":2,"c":null}"#, ["$['a b'] | $['a b']: 1 → 2", "$.c | $.c: - → null"]),
            ("[1,2,3]", "[0,1,2,3]", ["$[*] | $[0]: - → 0"]),
            ("[1,2,3]", "[1,5,3]", ["$[*] | $[1]: 2 → 5"]),
            ("[1,2,2]", "[2,1,2]", ["the order of $ | the order of $: [1,2,2] → [2,1,2]"]),
            ("[]", "[1]", ["$[*] | $[0]: - → 1"]),
            (
                #"[{"id":1,"a":1},{"id":2,"a":2}]"#, #"[{"id":2,"a":3},{"id":1,"a":1}]"#,
                ["$[*].a | $[id=2].a: 2 → 3", "the order of $ | the order of $: [1,2] → [2,1]"]
            ),
            (#"[{"id":1},{"id":1}]"#, #"[{"id":1}]"#, [#"$[*] | $[1]: {"id":1} → -"#]),
            (#"{"a":[1]}"#, #"{"a":{"b":1}}"#, [#"$.a | $.a: [1] → {"b":1}"#]),
            ("12345678901234567890", "12345678901234567891", ["$ | $: 12345678901234567890 → 12345678901234567891"]),
        ])
    func places(_ before: String, _ after: String, _ expected: [String]) throws {
        #expect(try lines(before, after) == expected)
    }

    @Test("only the first places of a kind are kept, and no more kinds than are told apart")
    func bounds() throws {
        let zeros = "[" + (0..<100).map { #"{"id":\#($0),"v":0}"# }.joined(separator: ",") + "]"
        #expect(try lines(zeros, zeros.replacing(#""v":0"#, with: #""v":1"#)).count == 5)
    }

    @Test("documents that are nested too deeply, or broken, are not JSON for us")
    func depth() {
        let deep = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        #expect(throws: JSONError.self) { try JSONTree(Array(deep.utf8)) }
        #expect(throws: JSONError.self) { try JSONTree(Array("[1".utf8)) }
        #expect(throws: JSONError.self) { try JSONTree(Array("nul".utf8)) }
        #expect(throws: Never.self) { try JSONTree(Array(deep.dropFirst().dropLast().utf8)) }
    }

    @Test(
        "times are read as APIs write them",
        arguments: [
            ("2026-11-26T02:10:12Z", 1_795_659_012_000_000, 1_000_000),
            ("2026-11-26 02:10:12.5", 1_795_659_012_500_000, 100_000),
            ("2026-11-26T03:10:12.123456+01:00", 1_795_659_012_123_456, 1),
            ("2026-11-26T02:10:12.123456789-0000", 1_795_659_012_123_456, 1),
            ("2026-11-26T02:10", 1_795_659_000_000_000, 60_000_000),
            ("Thu, 26 Nov 2026 02:10:12 GMT", 1_795_659_012_000_000, 1_000_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000_000, 1_000_000),
        ] as [(String, Int64, Int64)])
    func times(_ text: String, _ microseconds: Int64, _ resolution: Int64) throws {
        let time = try #require(WrittenTime(text: text))
        #expect(time.microseconds == microseconds && time.resolution == resolution)
    }

    @Test(
        "what is no time",
        arguments: ["", "2026-11-26", "2026-13-26T02:10:12Z", "2026-11-26T02:10:12Zx", "3 minutes ago!!!"])
    func noTimes(_ text: String) { #expect(WrittenTime(text: text) == nil) }

    @Test("Unix times are told by their length")
    func unixTimes() {
        #expect(WrittenTime(digits: "1795659012")?.microseconds == 1_795_659_012_000_000)
        #expect(WrittenTime(digits: "1795659012.25")?.microseconds == 1_795_659_012_250_000)
        #expect(WrittenTime(digits: "1795659012345")?.resolution == 1000)
        #expect(WrittenTime(digits: "1795659012345678")?.resolution == 1)
        for digits in ["42", "-1795659012", "17956590123", "1e10", "1795659012."] {
            #expect(WrittenTime(digits: digits) == nil)
        }
    }
}
