import DoorbellCore
import DoorbellWire
import Foundation
import Testing

@Suite struct MergePatchTests {
    private func patch(_ old: String, _ new: String) -> String? {
        MergePatch.between(Array(old.utf8), Array(new.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// RFC 7386, section 2, by an implementation that is not ours to parse with.
    private func apply(_ patch: Any, to target: Any?) -> Any? {
        guard let patch = patch as? [String: Any] else { return patch }
        var result = target as? [String: Any] ?? [:]
        for (key, value) in patch {
            if value is NSNull { result[key] = nil } else { result[key] = apply(value, to: result[key]) }
        }
        return result
    }

    private func parsed(_ text: String) -> Any? {
        try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    private func canonical(_ value: Any) -> Data? {
        try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
    }

    /// Spaces make room, so that a patch is the shorter one.
    private static let room = String(repeating: " ", count: 80)

    @Test(
        "the examples of the RFC, the other way round",
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"a":"b","b":"c"}"#, #"{"b":"c"}"#),
            (#"{"a":"b"}"#, "{}", #"{"a":null}"#), (#"{"a":"b","b":"c"}"#, #"{"b":"c"}"#, #"{"a":null}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d"}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
            (#"{"e":null}"#, #"{"e":null,"a":1}"#, #"{"a":1}"#),
            (
                #"{"title":"Goodbye!","author":{"givenName":"John","familyName":"Doe"},"tags":["example","sample"],"content":"x"}"#,
                #"{"title":"Hello!","author":{"givenName":"John"},"tags":["example"],"content":"x","phoneNumber":"+1"}"#,
                #"{"title":"Hello!","author":{"familyName":null},"tags":["example"],"phoneNumber":"+1"}"#
            ),
        ])
    func examples(_ old: String, _ new: String, _ expected: String) {
        #expect(patch(old, new + Self.room) == expected)
    }

    @Test(
        "where there is no patch, there is none",
        arguments: [
            ("[1]", "[2]"), ("{}", "[1]"), (#"{"a":1}"#, "null"), ("7", "{}"),
            (#"{"a":1}"#, #"{"a":null}"#), ("{}", #"{"a":null}"#), ("{}", #"{"a":{"b":null}}"#),
            (#"{"a":1}"#, #"{"a":{"b":{"c":null}}}"#), (#"{"a":1,"a":2}"#, #"{"a":1}"#), (#"{"a":1}"#, #"{"a":1"#),
            (#"{"a":1}"#, #"{"a":1} x"#),
        ])
    func none(_ old: String, _ new: String) { #expect(patch(old, new + Self.room) == nil) }

    @Test("nulls that stay, and nulls within arrays, are no hindrance; escapes and spaces are no change")
    func subtle() {
        #expect(patch(#"{"a":null,"b":1}"#, #"{"a":null,"b":2}"# + Self.room) == #"{"b":2}"#)
        #expect(patch(#"{"a":{"x":null},"b":1}"#, #"{"a":{ "x":null},"b":2}"# + Self.room) == #"{"b":2}"#)
        #expect(patch(#"{"b":1}"#, #"{"b":[{"x":null}]}"# + Self.room) == #"{"b":[{"x":null}]}"#)
        #expect(patch(#"{"\u0061":1,"b":1}"#, #"{"a":1,"b":2}"# + Self.room) == #"{"b":2}"#)
        #expect(patch(#"{"é":1}"#, "{\"e\u{301}\":1}" + Self.room) == "{\"e\u{301}\":1,\"é\":null}")
    }

    @Test("a patch that is not shorter than the whole is none, and depth is bounded")
    func bounds() {
        #expect(patch(#"{"a":1}"#, #"{"a":2}"#) == nil)
        let deep = { (value: String) in
            String(repeating: #"{"a":"#, count: 400) + value + String(repeating: "}", count: 400)
        }
        #expect(patch(deep("1"), deep("2") + Self.room) == nil)
    }

    @Test("a random patch makes the one of the other", arguments: 0..<20)
    func random(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed))
        var made = 0
        for _ in 0..<200 {
            let old = Self.value(3, &random, isRoot: true)
            var new = old
            for _ in 0..<Int.random(in: 0...4, using: &random) { Self.change(&new, &random) }
            let (before, after) = (try #require(canonical(old)), try #require(canonical(new)))
            let text = String(decoding: after, as: UTF8.self) + Self.room
            guard let found = MergePatch.between(Array(before), Array(text.utf8)) else { continue }
            made += 1
            let patch = try #require(parsed(String(decoding: found, as: UTF8.self)))
            let applied = try #require(apply(patch, to: old))
            #expect(canonical(applied) == after)
        }
        #expect(made > 50)
    }

    private static func value(_ depth: Int, _ random: inout SplitMix, isRoot: Bool = false) -> Any {
        switch isRoot ? 0 : Int.random(in: 0..<(depth > 0 ? 7 : 4), using: &random) {
        case 0 where depth > 0, 4, 5:
            var object: [String: Any] = [:]
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                object["k\(Int.random(in: 0..<6, using: &random))"] = value(depth - 1, &random)
            }
            return object
        case 6: return (0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth - 1, &random) }
        case 1: return Int.random(in: 0..<3, using: &random)
        case 2: return "text"
        case 3: return Int.random(in: 0..<8, using: &random) == 0 ? NSNull() : true
        default: return 1
        }
    }

    private static func change(_ value: inout Any, _ random: inout SplitMix) {
        guard var object = value as? [String: Any] else { return }
        let key = "k\(Int.random(in: 0..<6, using: &random))"
        switch Int.random(in: 0..<4, using: &random) {
        case 0: object[key] = nil
        case 1:
            if var inner = object[key] {
                change(&inner, &random)
                object[key] = inner
            }
        default: object[key] = Self.value(2, &random)
        }
        value = object
    }
}
