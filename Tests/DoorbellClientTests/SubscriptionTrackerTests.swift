import DoorbellCore
import Testing

@testable import DoorbellClient

@Suite struct SubscriptionTrackerTests {
    private func message(_ json: String) throws -> ReceivedMessage { try #require(ReceivedMessage(Array(json.utf8))) }
    private func subscribed(_ channel: String, _ position: String, _ recovered: Bool) throws -> ReceivedMessage {
        try message(
            #"{"type":"subscribed","channel":"\#(channel)","position":"\#(position)","recovered":\#(recovered),"version":1}"#
        )
    }
    private func change(_ channel: String, _ position: String, _ previous: String?) throws -> ReceivedMessage {
        let previous = previous.map { "\"\($0)\"" } ?? "null"
        return try message(
            #"{"type":"note","channel":"\#(channel)","position":"\#(position)","previous":\#(previous),"op":"insert"}"#)
    }

    @Test("from the first subscription the resume point follows the messages")
    func follows() throws {
        var tracker = SubscriptionTracker(since: nil)
        #expect(tracker.resumePoint == nil)
        #expect(tracker.receive(try subscribed("a", "1.5-0", false)) == .subscribed)
        #expect(tracker.resumePoint == "1.5-0")
        #expect(tracker.receive(try change("a", "1.6-9", "1.2-3")) == .message)
        #expect(tracker.receive(try change("a", "1.6-10", "1.6-9")) == .message)
        #expect(tracker.resumePoint == "1.6-10")
    }

    @Test("what a resumption repeats is recognised, and a missing message is a gap")
    func repeatsAndGaps() throws {
        var tracker = SubscriptionTracker(since: "1.5-1")
        #expect(tracker.resumePoint == "1.5-1")
        #expect(tracker.receive(try subscribed("a", "1.9-9", true)) == .subscribed)
        #expect(tracker.receive(try change("a", "1.5-1", nil)) == .repeated)
        #expect(tracker.receive(try change("a", "1.6-2", "1.5-1")) == .message)
        #expect(tracker.receive(try change("a", "1.6-2", "1.5-1")) == .repeated)
        #expect(
            tracker.receive(try change("a", "1.8-8", "1.7-7"))
                == .gap(known: Position(epoch: 1, tick: 6, seq: 2), previous: Position(epoch: 1, tick: 7, seq: 7)))
        #expect(tracker.receive(try change("a", "1.9-9", "1.8-8")) == .message)
        #expect(tracker.receive(try change("a", "1.10-10", nil)) == .message)
    }

    @Test("when the history is gone, or the server resets, the stream goes on from the new position")
    func resets() throws {
        var tracker = SubscriptionTracker(since: "1.5-1")
        #expect(tracker.receive(try subscribed("a", "1.9-9", false)) == .reset(reason: "the history is gone"))
        #expect(tracker.resumePoint == "1.9-9")
        let reset = try message(#"{"type":"reset","channel":"a","reason":"slow","position":"1.20-20"}"#)
        #expect(tracker.receive(reset) == .reset(reason: "slow"))
        #expect(tracker.receive(try change("a", "1.21-21", "1.20-20")) == .message)
    }

    @Test("messages that were left out for a slow reader are no gap, those behind them are")
    func conflated() throws {
        var tracker = SubscriptionTracker(since: nil)
        #expect(tracker.receive(try subscribed("a", "1.1-0", false)) == .subscribed)
        #expect(tracker.receive(try change("a", "1.2-0", "1.1-0")) == .message)
        let told = try message(#"{"type":"conflated","channel":"a","through":"1.9-0","dropped":5}"#)
        #expect(tracker.receive(told) == .other)
        #expect(tracker.resumePoint == "1.2-0", "nothing of it has come yet")
        #expect(tracker.receive(try change("a", "1.5-0", "1.4-0")) == .message)
        #expect(tracker.receive(try change("a", "1.9-0", "1.8-0")) == .message)
        #expect(tracker.receive(try change("a", "1.10-0", "1.9-0")) == .message)
        #expect(
            tracker.receive(try change("a", "1.13-0", "1.12-0"))
                == .gap(known: Position(epoch: 1, tick: 10, seq: 0), previous: Position(epoch: 1, tick: 12, seq: 0)))
    }

    @Test("with several channels of one poll the least position is resumed from, and a second channel is no reset")
    func severalChannels() throws {
        var tracker = SubscriptionTracker(since: nil)
        #expect(tracker.receive(try subscribed("a", "1.5-0", false)) == .subscribed)
        #expect(tracker.receive(try subscribed("b", "1.6-0", false)) == .subscribed)
        #expect(tracker.receive(try change("a", "1.9-9", nil)) == .message)
        #expect(tracker.resumePoint == "1.6-0")
    }

    @Test("a new epoch is newer, whatever its ticks")
    func epochs() throws {
        var tracker = SubscriptionTracker(since: nil)
        #expect(tracker.receive(try subscribed("a", "1.500-0", false)) == .subscribed)
        #expect(tracker.receive(try change("a", "2.1-1", nil)) == .message)
        #expect(tracker.resumePoint == "2.1-1")
    }

    @Test("an error is ours by its id; some pass")
    func errors() throws {
        var tracker = SubscriptionTracker(since: nil)
        let error = { (code: String, id: String) in
            try message(#"{"type":"error","code":"\#(code)","message":"m","id":\#(id)}"#)
        }
        #expect(tracker.receive(try error("not_allowed", #""follow""#)) == .refused("not_allowed: m", mayRetry: false))
        #expect(tracker.receive(try error("not_live", #""follow""#)) == .refused("not_live: m", mayRetry: true))
        #expect(tracker.receive(try error("limit", "7")) == .other)
        #expect(
            tracker.receive(try message(#"{"type":"goodbye","reason":"r","reconnectAfter":1500}"#))
                == .goodbye(reconnectAfter: .milliseconds(1500)))
        #expect(
            tracker.receive(try message(#"{"type":"unsubscribed","channel":"a","reason":"gone"}"#))
                == .refused("unsubscribed: gone", mayRetry: false))
        #expect(tracker.receive(try message(#"{"type":"pong"}"#)) == .other)
    }

    @Test("a server that names channels without end is not believed")
    func bounded() throws {
        var tracker = SubscriptionTracker(since: nil)
        for number in 0..<SubscriptionTracker.maximumChannels {
            #expect(tracker.receive(try subscribed("c\(number)", "1.1-1", false)) == .subscribed)
        }
        #expect(tracker.receive(try subscribed("more", "1.1-1", false)) == .other)
        #expect(tracker.receive(try change("more", "1.2-2", nil)) == .other)
        #expect(tracker.receive(try change("c7", "1.2-2", nil)) == .message)
    }
}
