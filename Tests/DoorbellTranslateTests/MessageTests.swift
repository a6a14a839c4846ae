import DoorbellCore
import DoorbellTranslate
import Testing

@Suite struct MessageTests {
    private func translate(
        _ data: String, on channel: String = "user:7:inbox", id: String? = nil
    ) throws -> Translation {
        let translator = Translator(features: [
            try feature("orders", channel: "orders:{id}"), try feature("inbox", channel: "user:{id}:inbox"),
        ])
        return translator.translate(
            LoggedMessage(
                position: position, channel: channel, message: DirectMessage(data: Array(data.utf8), id: id),
                committedAt: moment))
    }

    @Test("a direct message goes to its channel as it came")
    func passes() throws {
        let translation = try translate(#"{ "a":1.0 }"#, id: "8")
        #expect(translation.lines == [#"user:7:inbox message { "a":1.0 }"#])
        #expect(translation.deadLetters.isEmpty)
        #expect(translation.drafts[0].feature.name == "inbox")
        #expect(translation.drafts[0].position == position && translation.drafts[0].committedAt == moment)
    }

    @Test(
        "one that no feature has is a dead letter, and nobody is told",
        arguments: ["user:7:outbox", "user:7:in\nbox", ""])
    func nobody(_ channel: String) throws {
        let translation = try translate("1", on: channel)
        #expect(translation.drafts.isEmpty)
        #expect(translation.deadLetters.map(\.feature) == [DeadLetter.noFeature])
    }

    @Test(
        "one that cannot be told is a dead letter, and its channel is reset",
        arguments: [
            ("{", nil), ("1 2", nil), ("", nil),
            (String(repeating: "[", count: 300) + String(repeating: "]", count: 300), nil),
            ("1", "{}"), ("1", #""x" "#), ("1", "-"), ("1", ""),
        ] as [(String, String?)])
    func cannot(_ data: String, _ id: String?) throws {
        let translation = try translate(data, id: id)
        if id == #""x" "# {
            #expect(translation.deadLetters.isEmpty, "space around a value is JSON")
            return
        }
        #expect(translation.drafts.count == 1)
        guard case .reset? = translation.drafts.first?.content else {
            Issue.record("not reset: \(translation.lines)")
            return
        }
        #expect(translation.deadLetters.map(\.feature) == ["inbox"])
    }
}
