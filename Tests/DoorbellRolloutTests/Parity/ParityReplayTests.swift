import DoorbellCore
import Testing

@testable import DoorbellRollout

/// Messages applied to the answer before must lead to the answer after.
@Suite struct ParityReplayTests {
    private func trial() throws -> ParityTrial {
        try ParityTrial(ParitySettings(items: .init(path: try JSONPath("$.items"), key: "id")))
    }

    private func body(_ rows: String...) -> String { #"{"items":[\#(rows.joined(separator: ","))]}"# }

    @Test("inserts, updates and deletes that lead to the answer are told; columns that no poll shows do not matter")
    func leads() throws {
        var trial = try trial()
        trial.round(body(#"{"id":1,"name":"a"}"#, #"{"id":2,"name":"b"}"#))
        trial.publish(.insert, id: 3, #"{"id":3,"name":"c","secret":9}"#)
        trial.publish(.update, id: 1, #"{"id":1,"name":"A","secret":9}"#)
        trial.publish(.delete, id: 2)
        trial.round(body(#"{"name":"c","id":3}"#, #"{"name":"A","id":1}"#))
        trial.publish(.truncate, id: 0)
        trial.publish(.insert, id: 9, #"{"id":9,"name":"z"}"#)
        trial.round(body(#"{"id":9,"name":"z"}"#))
        #expect(trial.verdicts == [2, 0, 0, 0, 0])
    }

    @Test("a computed field that no message tells is missed although there was a message")
    func computedField() throws {
        var trial = try trial()
        trial.round(body(#"{"id":1,"name":"a","comments":0}"#))
        trial.publish(.update, id: 1, #"{"id":1,"name":"b"}"#)
        trial.round(body(#"{"id":1,"name":"b","comments":1}"#))
        #expect(trial.verdicts == [0, 0, 1, 0, 0])
        let sample = try #require(trial.parity.samples.first)
        #expect(sample.differences == [.init(path: "$.items[id=1].comments", before: "0", after: "1")])
        #expect(sample.messages.count == 1 && sample.reason.hasPrefix("the messages do not lead to the answer"))
    }

    @Test("a row that leaves the poll, and one that nobody told")
    func rows() throws {
        var trial = try trial()
        trial.round(body(#"{"id":1,"read":false}"#))
        trial.publish(.update, id: 1, #"{"id":1,"read":true}"#)
        trial.round(body(#"{"id":2,"read":false}"#))
        let sample = try #require(trial.parity.samples.first)
        #expect(
            sample.differences == [
                .init(path: "$.items[id=1]", before: #"{"id":1,"read":true}"#, after: nil),
                .init(path: "$.items[id=2]", before: nil, after: #"{"id":2,"read":false}"#),
            ])
    }

    @Test("rows of messages that came while the legacy API answered, or after, are left out")
    func alignment() throws {
        var trial = try trial()
        trial.round(body(#"{"id":1,"n":1}"#, #"{"id":2,"n":1}"#))
        trial.publish(.update, id: 1, #"{"id":1,"n":2}"#)
        let asked = trial.head
        trial.publish(.update, id: 2, #"{"id":2,"n":2}"#)
        trial.answer(body(#"{"id":1,"n":2}"#, #"{"id":2,"n":1}"#), asked: asked)
        trial.wait(0.5)
        trial.publish(.update, id: 2, #"{"id":2,"n":3}"#)
        trial.wait(2.5)
        // The message of before is applied again to a body that has it.
        trial.publish(.update, id: 1, #"{"id":1,"n":3}"#)
        trial.round(body(#"{"id":1,"n":3}"#, #"{"id":2,"n":3}"#))
        #expect(trial.verdicts == [2, 0, 0, 0, 0])
    }

    @Test("numbers are equal by value and times by what both say, as clients read them; types are not mixed up")
    func fidelity() throws {
        func verdicts(_ told: String, _ shown: String) throws -> [UInt64] {
            var trial = try trial()
            trial.round(body(#"{"id":1,"v":null}"#))
            trial.publish(.update, id: 1, #"{"id":1,"v":\#(told)}"#)
            trial.round(body(#"{"id":1,"v":\#(shown)}"#))
            return trial.verdicts
        }
        for (told, shown) in [
            ("1.50", "1.5"), ("100", "1e2"), ("2.0", "2"),
            (#""2026-11-26T02:10:12.123456+00:00""#, #""2026-11-26T03:10:12.123+01:00""#),
            (#"[1.0,{"a":1}]"#, #"[1,{"a":1.0}]"#),
        ] {
            #expect(try verdicts(told, shown) == [1, 0, 0, 0, 0], "\(told) \(shown)")
        }
        for (told, shown) in [
            ("1", #""1""#), ("9007199254740993", "9007199254740992"), ("1.51", "1.5"), ("true", "1"),
            (#""2026-11-26T02:10:12Z""#, #""2026-11-26T02:10:14Z""#),
        ] {
            #expect(try verdicts(told, shown) == [0, 0, 1, 0, 0], "\(told) \(shown)")
        }
    }

    @Test("without rows in the answer, or with a signal among the messages, a message is enough")
    func cannotBeReplayed() throws {
        var trial = try trial()
        trial.round(#"{"items":{}}"#)
        trial.publish(.update, id: 1, #"{"id":1}"#)
        trial.round(body(#"{"id":1}"#))
        trial.publish()
        trial.round(body(#"{"id":1,"x":2}"#))
        trial.publish(.update, id: 1, "{}")
        trial.round(body(#"{"id":1,"x":3}"#, #"{"x":3}"#))
        #expect(trial.verdicts == [3, 0, 0, 0, 0])
    }
}
