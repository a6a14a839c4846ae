import DoorbellCore
import Testing

@testable import DoorbellRollout

@Suite struct ParityTests {
    @Test("a change with a message is a match, and so is neither")
    func match() throws {
        var trial = try ParityTrial()
        trial.round("[1]")
        trial.round("[1]")
        trial.publish()
        trial.round("[1,2]")
        #expect(trial.verdicts == [1, 1, 0, 0, 0])
        #expect(trial.parity.counts.match == 2 && trial.parity.counts.toldShare == 1)
        #expect(trial.parity.samples.isEmpty)
    }

    @Test("what many callers were shown is one change")
    func distinct() throws {
        var trial = try ParityTrial()
        for change in 1...3 {
            for caller in 1...5 { trial.poll("[\(change)]", by: UInt64(caller)) }
            trial.wait(3)
            trial.publish()
        }
        #expect(trial.parity.counts.told == 10 && trial.parity.counts.distinct == 2)
    }

    @Test("a change without a message is missed, with both bodies, positions and what changed")
    func missed() throws {
        var trial = try ParityTrial()
        trial.publish()
        trial.round(#"{"items":[{"id":7,"name":"a"},{"id":8,"name":"x"}]}"#)
        trial.poll(#"{"items":[{"id":9,"name":"n"},{"id":7,"name":"b"}]}"#)
        #expect(trial.verdicts == [0, 0, 0, 0, 0], "not before capture has caught up")
        trial.wait(1.2)
        #expect(trial.verdicts == [0, 0, 1, 0, 0])
        let sample = try #require(trial.parity.samples.first)
        #expect(sample.verdict == .missed && sample.target == "/notes" && sample.channels == ["notes"])
        #expect(sample.after == "1.1-1" && sample.asked == "1.1-1" && sample.messages == [])
        #expect(sample.before.contains(#""name":"a""#) && sample.body.contains(#""name":"b""#))
        #expect(
            sample.differences == [
                .init(path: "$.items[id=7].name", before: #""a""#, after: #""b""#),
                .init(path: "$.items[id=8]", before: #"{"id":8,"name":"x"}"#, after: nil),
                .init(path: "$.items[id=9]", before: nil, after: #"{"id":9,"name":"n"}"#),
            ])
    }

    @Test("a message without a change is spurious, once")
    func spurious() throws {
        var trial = try ParityTrial()
        trial.round("[1]")
        trial.publish(.update, id: 4)
        trial.round("[1]")
        trial.round("[1]")
        #expect(trial.verdicts == [0, 1, 0, 1, 0])
        let sample = try #require(trial.parity.samples.first)
        #expect(sample.reason == "1 message and the answer is the same")
        #expect(sample.messages == [#"1.1-1 notes update {"id":4}"#])
    }

    @Test("an answer may hold a change that is published after it, until capture has caught up and not later")
    func captureLag() throws {
        var trial = try ParityTrial()
        trial.round("[1]")
        trial.poll("[1,2]")
        trial.wait(0.8)
        trial.publish(after: 0.9)
        trial.wait(2.2)
        // The same message is explained already: the next poll sees no change, and it is not spurious.
        trial.round("[1,2]")
        #expect(trial.verdicts == [1, 1, 0, 0, 0])
        trial.poll("[1,2,3]")
        trial.wait(1.2)
        trial.publish(after: 1.3)
        trial.wait(1.8)
        #expect(trial.verdicts == [1, 1, 1, 0, 0])
    }

    @Test(
        "what is committed after an answer does not explain it, however busy the channel is", arguments: [0.0, 30, -30])
    func busyChannel(_ lead: Double) throws {
        var trial = try ParityTrial()
        trial.lead = lead
        trial.round("[1]")
        trial.poll("[1,2]")
        trial.wait(0.8)
        trial.publish(after: 0.9)
        trial.wait(2.2)
        trial.round("[1,2]")
        #expect(trial.verdicts == [1, 1, 0, 0, 0])
        trial.poll("[1,2,3]")
        trial.wait(0.8)
        trial.publish()
        trial.wait(2.2)
        // A clock that is behind makes a later change look as if it had been there: nobody is accused for a clock.
        #expect(trial.verdicts == (lead < 0 ? [2, 1, 0, 0, 0] : [1, 1, 1, 0, 0]))
    }

    @Test("a message while the legacy API was answering explains the change of this poll or of the next")
    func duringTheRequest() throws {
        for changesAtOnce in [true, false] {
            var trial = try ParityTrial()
            trial.round("[1]")
            let asked = trial.head
            trial.publish()
            trial.answer(changesAtOnce ? "[1,2]" : "[1]", asked: asked)
            trial.wait(3)
            trial.round("[1,2]")
            trial.round("[1,2]")
            #expect(trial.verdicts == [1, 2, 0, 0, 0])
        }
    }

    @Test("a message while the legacy API was answering that shows in neither poll is spurious")
    func duringTheRequestForNothing() throws {
        var trial = try ParityTrial()
        trial.round("[1]")
        let asked = trial.head
        trial.publish()
        trial.answer("[1]", asked: asked)
        trial.wait(3)
        trial.round("[1]")
        #expect(trial.verdicts == [0, 1, 0, 1, 0])
    }

    @Test("a change that was published late for the first answer is not counted as needless for the second")
    func settled() throws {
        var trial = try ParityTrial()
        // The first answer holds a change that capture publishes half a second later.
        trial.poll("[1]")
        trial.wait(0.5)
        trial.publish()
        trial.wait(2.5)
        trial.round("[1]")
        #expect(trial.verdicts == [0, 1, 0, 0, 0])
    }

    @Test("a direct message explains a change, and need not show in a poll")
    func directMessages() throws {
        let message = DirectMessage(data: Array("{}".utf8))
        var trial = try ParityTrial()
        trial.round("[1]")
        trial.publish(.message(message))
        trial.round("[1]")
        trial.publish(.message(message))
        trial.round("[1,2]")
        #expect(trial.verdicts == [1, 1, 0, 0, 0])
    }

    @Test("nothing is judged across a break of capture, a reset, or a hole in history")
    func doubts() throws {
        var trial = try ParityTrial()
        trial.round("[1]")
        trial.run = 2
        trial.round("[2]")
        #expect(trial.parity.doubts == [.captureDown: 1])
        trial.poll("[3]")
        trial.run = nil
        trial.wait(3)
        #expect(trial.parity.doubts == [.captureDown: 2])
        trial.run = 3
        trial.round("[3]")
        trial.publish(.reset(reason: "r"))
        trial.round("[4]")
        #expect(trial.parity.doubts == [.captureDown: 3, .reset: 1])
        trial.publish()
        trial.floor = trial.head
        trial.round("[5]")
        #expect(trial.parity.doubts == [.captureDown: 3, .reset: 1, .history: 1])
        trial.round("[6]")
        #expect(trial.verdicts == [0, 0, 1, 0, 5])
    }

    @Test("304 says that nothing changed; what was never seen cannot be compared")
    func notModified() throws {
        var trial = try ParityTrial()
        trial.unchanged("[1]")
        trial.round("[1]")
        #expect(trial.parity.doubts == [.unknownBody: 1])
        trial.unchanged("[1]")
        trial.publish()
        trial.unchanged("[1]")
        trial.publish()
        trial.round("[2]")
        #expect(trial.verdicts == [1, 1, 0, 1, 1])
    }

    @Test("a 304 for another body than the one that was seen last says nothing about it, nor does the answer after it")
    func notModifiedOfAnother() throws {
        for version in [BodyVersion(tag: "[0]"), BodyVersion(modified: "then"), .unknown] {
            var trial = try ParityTrial()
            trial.round("[1]")
            // Two who look alike: one saw [1] just now, the other still has [0], which is what there is again.
            trial.publish()
            trial.answer(nil, asked: trial.head, version: version)
            trial.wait(3)
            #expect(trial.verdicts == [0, 0, 0, 0, 1], "not needless: the answer did change")
            trial.round("[0]")
            #expect(trial.verdicts == [0, 0, 0, 0, 2], "not missed: nobody knows what was there before")
            #expect(trial.parity.doubts == [.unknownBody: 2])
            trial.unchanged("[0]")
            trial.publish()
            trial.round("[2]")
            #expect(trial.verdicts == [1, 1, 0, 0, 2])
        }
    }

    @Test("a 304 that is not compared leaves no body that it is not for")
    func notModifiedAfterABreak() throws {
        var trial = try ParityTrial()
        trial.round("[1]")
        trial.run = 2
        trial.unchanged("[0]")
        trial.round("[0]")
        #expect(trial.parity.doubts == [.captureDown: 1, .unknownBody: 1])
        trial.run = 3
        trial.unchanged("[0]")
        trial.round("[0]")
        #expect(trial.parity.doubts == [.captureDown: 2, .unknownBody: 1] && trial.parity.counts.quiet == 1)
    }

    @Test(
        "bodies are told apart by their tags, and by dates where a tag is missing",
        arguments: [
            (BodyVersion(tag: "a"), BodyVersion(tag: "a"), true), (BodyVersion(tag: "a"), BodyVersion(tag: "b"), false),
            (BodyVersion(tag: "a", modified: "1"), BodyVersion(tag: "b", modified: "1"), false),
            (BodyVersion(tag: "a", modified: "1"), BodyVersion(modified: "1"), true),
            (BodyVersion(modified: "1"), BodyVersion(modified: "2"), false),
            (BodyVersion(tag: "a"), BodyVersion(modified: "1"), false), (.unknown, .unknown, false),
            (BodyVersion(tag: String(repeating: "a", count: 257)), BodyVersion(tag: "a"), false),
        ])
    func versions(_ one: BodyVersion, _ other: BodyVersion, _ isSame: Bool) {
        #expect(one.isSame(as: other) == isSame && other.isSame(as: one) == isSame)
    }

    @Test("answers that overtake each other, and callers of different bodies, are not mixed up")
    func callers() throws {
        var trial = try ParityTrial()
        trial.round("[1]", by: 1)
        trial.round("[2]", by: 2)
        let early = trial.head
        trial.publish()
        trial.poll("[1,1]", by: 1)
        trial.answer("[1]", asked: early, by: 1)
        trial.wait(3)
        trial.round("[2,2]", by: 2)
        #expect(trial.verdicts == [2, 0, 0, 0, 1])
        #expect(trial.parity.doubts == [.overtaken: 1])
    }

    @Test("what is not JSON is compared whole")
    func notJSON() throws {
        var trial = try ParityTrial()
        trial.round("<p>1</p>")
        trial.round("<p>1</p>")
        trial.publish()
        trial.round("<p>2</p>")
        trial.round("<p>3</p>")
        #expect(trial.verdicts == [1, 1, 1, 0, 0])
        #expect(trial.parity.samples.first?.differences == [.init(path: "$", before: "<p>2</p>", after: "<p>3</p>")])
    }

    @Test("memory is bounded: callers, bytes of bodies, pairs that wait, samples and what they hold")
    func bounds() throws {
        var trial = try ParityTrial()
        for caller in 0..<(UInt64(Parity.maximumCallers) + 100) { trial.poll("[0]", by: caller) }
        #expect(trial.parity.callers == Parity.maximumCallers)
        let long = String(repeating: "x", count: 40_000)
        for number in 0..<30 { trial.round(#"{"a":"\#(number)\#(long)"}"#) }
        #expect(trial.parity.counts.missed == 30)
        #expect(trial.parity.samples.count == Parity.samplesOfVerdict)
        for sample in trial.parity.samples {
            #expect(sample.before.utf8.count <= Parity.sampleBody + 4)
            #expect(sample.differences.allSatisfy { ($0.after?.count ?? 0) <= 161 })
        }
        var small = Parity(settings: ParitySettings(), bodyBytes: 100)
        for caller in 0..<UInt64(10) {
            let answer = Parity.Answer(
                caller: caller, target: "/", channels: [ParityTrial.channel], asked: trial.head, at: trial.now, run: 1,
                body: .whole(Array(repeating: 0x20, count: 40)))
            small.answered(answer) { _, _, _ in [] }
        }
        #expect(small.callers == 2)
    }

    @Test("quiet polls do not make a feature look better than it is, and few changes are no success")
    func assessment() throws {
        var trial = try ParityTrial()
        func assess(_ trial: ParityTrial) -> ParityReport.Feature {
            ParityReport.Feature("notes", trial.parity, isCompared: true, withSamples: true)
        }
        for _ in 0..<100 { trial.round("[]") }
        #expect(assess(trial).assessment == .inconclusive && assess(trial).toldShare == nil)
        for number in 0..<10 {
            trial.publish()
            trial.round("[\(number)]")
        }
        #expect(assess(trial).assessment == .match && assess(trial).toldShare == 1)
        trial.round("[11]")
        #expect(assess(trial).assessment == .misses && assess(trial).toldShare == 10.0 / 11)
        for _ in 0..<2 {
            trial.publish()
            trial.round("[11]")
        }
        let text = assess(trial).text
        #expect(text.hasPrefix("feature  result  callers"))
        #expect(text.contains("Of 11 changes that polls showed, push told 90.9 %."))
        #expect(text.contains("  $[0]: 9 → 11\n"))
        #expect(text.contains("spurious: 1 message and the answer is the same\n"))
        let empty = ParityReport.Feature("x", Parity(settings: ParitySettings()), isCompared: false, withSamples: false)
        #expect(empty.assessment == .notCompared)
    }

    @Test("how far the database's clock is ahead is known for half a minute to a minute")
    func lead() {
        var lead = ClockLead()
        let start = Timestamp(microseconds: ParityTrial.start)
        func later(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }
        for seconds in [0.02, .nan, -3, -1, 5] { lead.record(seconds, now: start) }
        var leads: [Double] = []
        for seconds in [1, 31, 59, 100] { leads.append(lead.seconds(now: later(seconds))) }
        lead.record(-2, now: later(100))
        for seconds in [101, 300] { leads.append(lead.seconds(now: later(seconds))) }
        #expect(leads == [3, 3, 3, 0, 2, 0])
    }
}
