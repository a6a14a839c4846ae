import DoorbellCore
import Testing

@testable import DoorbellRollout

/// What changes by itself is learned and ignored; what a forgotten table changes is not, however it looks.
@Suite struct ParityNoiseTests {
    /// RFC 3339 of the trial's clock, in whole seconds.
    private func clock(_ trial: ParityTrial, plus seconds: Double = 0) -> String {
        let total = Int64(trial.time + seconds) + ParityTrial.start / 1_000_000
        let rest = total % 86_400
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
        // The trial begins on 21 September 2026.
        let day = 21 + (total / 86_400 - ParityTrial.start / 86_400_000_000)
        return "2026-09-\(two(day))T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }

    private func identifier(_ random: inout SystemRandomNumberGenerator) -> String {
        String(UInt64.random(in: 1 << 60 ... .max, using: &random), radix: 16) + "0000-1111"
    }

    @Test(
        "a server's time and a request's id are undecided at first and then ignored; a real change beside them still counts"
    )
    func timestampsAndIdentifiers() throws {
        var trial = try ParityTrial()
        var random = SystemRandomNumberGenerator()
        func body(_ value: Int) -> String {
            #"{"serverTime":"\#(clock(trial))","meta":{"now":\#(1_790_000_000 + Int(trial.time)),"request":"\#(identifier(&random))"},"n":\#(value)}"#
        }
        for _ in 0..<30 { trial.round(body(1)) }
        #expect(trial.parity.counts.missed == 0 && trial.parity.counts.spurious == 0)
        #expect(trial.parity.doubts == [.learning: 7])
        #expect(trial.parity.ignored == ["$.meta.now", "$.meta.request", "$.serverTime"])
        trial.publish()
        trial.round(body(1))
        #expect(trial.parity.counts.spurious == 1, "the same but for noise")
        trial.publish()
        trial.round(body(2))
        trial.round(body(3))
        trial.round(body(3))
        #expect(trial.parity.counts.told == 1 && trial.parity.counts.missed == 1)
        let sample = try #require(trial.parity.samples.first { $0.verdict == .missed })
        #expect(sample.differences.first == .init(path: "$.n", before: "2", after: "3"))
        #expect(sample.differences.dropFirst().allSatisfy { $0.isNoise } && sample.differences.count == 4)
    }

    @Test("a real change is missed from the first pair on, whatever changes beside it")
    func realFromTheStart() throws {
        var trial = try ParityTrial()
        trial.round(#"{"at":"\#(clock(trial))","n":1}"#)
        trial.round(#"{"at":"\#(clock(trial))","n":2}"#)
        #expect(trial.verdicts == [0, 0, 1, 0, 0])
    }

    @Test("a clock that polls outrun stands still in between, and is noise all the same", arguments: [0.2, 0.4, 1.0])
    func fastPolls(_ interval: Double) throws {
        var trial = try ParityTrial()
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            trial.poll(#"{"at":"\#(clock(trial))","request":"\#(identifier(&random))"}"#)
            trial.wait(interval)
        }
        trial.wait(2)
        #expect(trial.parity.counts.missed == 0)
        #expect(trial.parity.ignored == ["$.at", "$.request"])
    }

    @Test("a time that a forgotten table changes now and then is missed", arguments: [2, 3, 5, 10])
    func forgottenTimes(_ every: Int) throws {
        var trial = try ParityTrial()
        var updated = clock(trial)
        var random = SystemRandomNumberGenerator()
        var version = identifier(&random)
        for number in 1...100 {
            if number % every == 0 {
                updated = clock(trial, plus: -1)
                version = identifier(&random)
            }
            trial.round(#"{"now":"\#(clock(trial))","updated":"\#(updated)","version":"\#(version)"}"#)
        }
        #expect(trial.parity.ignored == ["$.now"])
        // The first pairs may be undecided, because the version alone could be noise.
        #expect(trial.parity.counts.missed >= UInt64(100 / every) - 4)
    }

    @Test("a hash that a forgotten table changes now and then is missed once there are enough pairs")
    func forgottenHash() throws {
        var trial = try ParityTrial()
        var random = SystemRandomNumberGenerator()
        var version = identifier(&random)
        for number in 1...60 {
            if number % 3 == 0 { version = identifier(&random) }
            trial.round(#"{"version":"\#(version)"}"#)
        }
        #expect(trial.parity.ignored == [] && trial.parity.counts.missed >= 16)
    }

    @Test("a counter that changes with every single poll is no noise, because it does not look like it")
    func busyForgottenTable() throws {
        var trial = try ParityTrial()
        for number in 1...50 { trial.round(#"{"unread":\#(number),"status":"s\#(number % 2)"}"#) }
        #expect(trial.parity.counts.missed == 49 && trial.parity.ignored == [])
    }

    @Test("the order of an array is undecided, then ignored, when it changes often", arguments: [2, 3, 8])
    func order(_ count: Int) throws {
        var trial = try ParityTrial()
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let items = (1...count).map { #"{"id":\#($0),"tags":["a"]}"# }.shuffled(using: &random)
            trial.round(#"{"items":[\#(items.joined(separator: ","))]}"#)
        }
        // Two elements may stay in order by chance for so long that the habit is forgotten for a moment: one in thousands.
        #expect(trial.parity.counts.missed <= 2)
        #expect(trial.parity.ignored == ["the order of $.items"])
        trial.round(#"{"items":[{"id":1,"tags":["a"]},{"id":2,"tags":["b"]}]}"#)
        #expect(trial.parity.counts.missed >= 1, "an element that changes still counts")
    }

    @Test("an order that changes once in a while is a change: a forgotten table may have the ranks")
    func rareOrder() throws {
        var trial = try ParityTrial()
        for number in 1..<100 { trial.round(number / 20 % 2 == 0 ? "[1,2,3]" : "[2,1,3]") }
        #expect(trial.parity.counts.missed == 4 && trial.parity.counts.inconclusive <= 1)
    }

    @Test("pairs with messages teach nothing")
    func onlyQuietPairs() throws {
        var trial = try ParityTrial()
        for _ in 0..<40 {
            trial.round(#"{"at":"\#(clock(trial))","n":\#(trial.head.seq)}"#)
            trial.publish()
        }
        #expect(trial.parity.ignored == [] && trial.parity.counts.told == 39)
    }

    @Test("what is configured is ignored from the first pair on, with everything inside")
    func configured() throws {
        var trial = try ParityTrial(
            ParitySettings(
                ignore: [try JSONPath("$.meta"), try JSONPath("$.items[*].age")], unordered: [try JSONPath("$.items")]))
        for number in 1...20 {
            let items = [#"{"id":1,"age":\#(number)}"#, #"{"id":2,"age":\#(number)}"#]
            let order = number % 3 == 0 ? items : items.reversed()
            trial.round(#"{"meta":{"calls":\#(number)},"items":[\#(order.joined(separator: ","))]}"#)
        }
        #expect(trial.verdicts == [0, 19, 0, 0, 0])
    }

    @Test("places are bounded, and with too many of them a change is a change")
    func bounds() throws {
        var trial = try ParityTrial()
        for _ in 0..<20 {
            let members = (0..<400).map { #""m\#($0)":"\#(clock(trial))""# }
            trial.round("{\(members.joined(separator: ","))}")
        }
        #expect(trial.parity.counts.missed == 19)
        #expect(trial.parity.ignored.count <= ParityNoise.maximumPlaces)
    }
}
