import Testing

@testable import Doorbell

/// Files that are no configuration, or a confused one, and the sentences that they get, word for word.
@Suite struct ConfigurationMistakesTests {
    @Test(
        "files that are no configuration at all",
        arguments: [
            ("", ["doorbell.yaml: the file is empty; it needs at least 'database', 'upstream' and 'features'"]),
            (
                "# nothing\n",
                ["doorbell.yaml: the file is empty; it needs at least 'database', 'upstream' and 'features'"]
            ),
            ("[1]", ["1: the file must be a mapping ('key: value' lines), not a list"]),
            ("hello", ["1: the file must be a mapping ('key: value' lines), not text"]),
            ("a: [1", ["2: this is not YAML: while parsing a flow sequence, did not find expected ',' or ']'"]),
            (
                "a: b\n\tc: d\n",
                ["2: this is not YAML: while scanning a plain scalar, found a tab character that violates indentation"]
            ),
            (
                "a:\n\tb: 1\n",
                [
                    "2: this is not YAML: while scanning for the next token, found character that cannot start any token; lines are indented by spaces, not by tabs"
                ]
            ),
            ("a: *x\n", ["1: this is not YAML: found undefined alias"]),
            (
                "a: 1\n---\nb: 2\n",
                ["2: this is not YAML: expected a single document in the stream, but found another document"]
            ),
        ])
    func noConfiguration(_ text: String, _ expected: [String]) {
        #expect(problems(text).map { $0.hasPrefix(" ") ? "doorbell.yaml:" + $0 : $0 } == expected)
    }

    @Test("every mistake is told at once, in the order of the lines")
    func all() {
        let text = """
            databse: x
            listen: 8080
            upstream: api:3000
            features:
              notifications:
                poll: POST /x
                intervall: 3s
                mode: answer
                tables:
                  - name: public.notifications
                    chanel: user:{user_id}
                stage: canary
            """
        #expect(
            problems(text) == [
                "1: unknown key 'databse'; did you mean 'database'?",
                "1: 'database' is missing; write 'database: ${DATABASE_URL}'",
                "2: listen: '8080' is not 'host:port'",
                "3: upstream must begin with 'http://' or 'https://', not 'api:3000'; did you mean 'http://api:3000'?",
                "6: features.notifications.poll: write a poll as 'GET /path/{name}', not 'POST /x'",
                "7: unknown key 'intervall' in features.notifications; did you mean 'interval'?",
                "10: 'channel' is missing in features.notifications.tables[0]; write 'channel: orders:{id}'",
                "11: unknown key 'chanel' in features.notifications.tables[0]; did you mean 'channel'?",
                "12: 'percent' is missing in features.notifications; write 'percent: 1'",
            ])
    }

    @Test("editors of Windows begin files with a mark, which is no mistake")
    func byteOrderMark() {
        #expect(problems("\u{FEFF}database: dbname=a\nupstream: http://a\n") == ["1: 'features' is missing"])
        #expect(problems("\u{FEFF}") == problems(""))
    }

    @Test("repeated keys are told with both lines, and reading goes on")
    func repeated() {
        let text = """
            database: dbname=a
            upstream: http://a
            upstream: http://b
            features:
              a: { poll: GET /a, tables: [{ name: a, channel: a }] }
              a: { poll: GET /a, tables: [{ name: a, channel: a }] }
              b: { "poll": GET /b, "poll": GET /c, tables: [{ name: b, channel: b }], color: red }
            upstream: http://c
            """
        #expect(
            problems(text) == [
                "3: the key 'upstream' stands twice, first in line 2",
                "6: the key 'a' stands twice in features, first in line 5",
                "7: the key 'poll' stands twice in features.b, first in line 7",
                "7: unknown key 'color' in features.b",
                "8: the key 'upstream' stands twice, first in line 2",
            ])
    }

    @Test("a feature's name is a word")
    func names() {
        #expect(
            problems(ConfigurationTests.minimal.replacing("  orders:", with: "  my orders:"))
                == ["4: 'my orders' is not a feature's name; use letters, digits, '_' and '-', at most 64 of them"])
    }

    @Test("no prefix of a right file and no file with one byte changed crashes the reader")
    func hostile() {
        let bytes = Array(ConfigurationTests.example.utf8)
        for end in stride(from: 0, to: bytes.count, by: 3) {
            _ = problems(String(decoding: bytes[..<end], as: UTF8.self), ConfigurationTests.environment)
        }
        for index in stride(from: 0, to: bytes.count, by: 5) {
            for byte in [0x0A, 0x22, 0x26, 0x2A, 0x3A, 0x5B, 0x7B, 0x7D] as [UInt8] {
                var changed = bytes
                changed[index] = byte
                _ = problems(String(decoding: changed, as: UTF8.self), ConfigurationTests.environment)
            }
        }
    }

    @Test("deep nesting is a mistake and no crash")
    func deep() {
        #expect(!problems(String(repeating: "[", count: 5000)).isEmpty)
        #expect(!problems("a: " + String(repeating: "{a: ", count: 5000)).isEmpty)
    }

    @Test(
        "the nearest word is found for a slip, not for another word",
        arguments: [
            ("chanel", "channel"), ("Channel", "channel"), ("hcannel", "channel"), ("xyz", nil), ("chan", nil),
        ] as [(String, String?)])
    func nearest(_ word: String, _ expected: String?) {
        #expect(Nearest.word(to: word, among: ["channel", "name", "capture"]) == expected)
    }
}
