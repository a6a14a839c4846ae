import DoorbellCore
import Testing

@testable import DoorbellHub

@Suite struct HubShardBatchTests {
    /// A loop and its timers, which run only when they are told to.
    final class ManualLoop {
        var waiting: [() -> Void] = []
        var timers: [(after: Duration, work: () -> Void)] = []

        func turn() {
            let due = waiting
            waiting = []
            for work in due { work() }
        }

        func fire() {
            let due = timers
            timers = []
            for timer in due { timer.work() }
        }
    }

    let loop = ManualLoop()
    let hub = Hub(now: { second(1) })
    let shard: HubShard
    let batched = feature("orders", batch: .milliseconds(50))
    let plain = feature("rooms", template: "room:{id}")

    init() {
        let loop = loop
        shard = HubShard(
            hub: hub,
            encode: { publication, _ in
                EncodedMessage(frame: Array("\(publication.position.seq)".utf8), payloadOffset: 0)
            },
            join: { messages in
                let text = messages.map { String(decoding: $0.frame, as: UTF8.self) }.joined(separator: "+")
                return [EncodedMessage(frame: Array(text.utf8), payloadOffset: 0)]
            },
            later: { loop.waiting.append($0) }, after: { loop.timers.append(($0, $1)) })
        hub.open(floor: at(0))
    }

    func subscribe(_ subscriber: RecordingSubscriber, to name: String, since: Since = .latest) -> Joined {
        shard.subscribe(
            subscriber, to: channel(name), feature: name.hasPrefix("room") ? plain : batched, version: .first,
            since: since)
    }

    func publish(_ messages: (name: String, seq: UInt64)...) -> [Publication] {
        hub.publish(
            messages.map { draft($0.name, at($0.seq), feature: $0.name.hasPrefix("room") ? plain : batched) },
            head: at(messages.last?.seq ?? 0))
    }

    @Test("messages of a window are told as one when it closes, and nobody waits for it meanwhile")
    func told() {
        let subscriber = RecordingSubscriber()
        _ = subscribe(subscriber, to: "order:1")
        var isDone = 0
        shard.deliver(publish(("order:1", 1))) { isDone += 1 }
        shard.deliver(publish(("order:1", 2), ("order:1", 3))) { isDone += 1 }
        #expect(isDone == 2 && subscriber.messages.isEmpty)
        #expect(loop.timers.map(\.after) == [.milliseconds(50)] && shard.isHolding(channel("order:1")))
        loop.fire()
        #expect(subscriber.messages == ["1+2+3"] && subscriber.flushes == [1])
        #expect(!shard.isHoldingAny && loop.timers.isEmpty)
        shard.deliver(publish(("order:1", 4)))
        shard.tellHeld()
        #expect(subscriber.messages.last == "4", "told before its time")
        loop.fire()
        #expect(subscriber.messages.count == 2)
    }

    @Test("what nobody is subscribed to is not held")
    func nobody() {
        shard.deliver(publish(("order:1", 1)))
        #expect(loop.timers.isEmpty && !shard.isHoldingAny)
    }

    @Test("a subscription that begins, or catches up, while something is held is told it once")
    func joinedMeanwhile() throws {
        let early = RecordingSubscriber()
        let slow = RecordingSubscriber()
        _ = subscribe(early, to: "order:1")
        slow.budget = 0
        _ = subscribe(slow, to: "order:1")
        shard.deliver(publish(("order:1", 1)))
        loop.fire()
        #expect(slow.behind.count == 1)
        slow.budget = 10
        shard.deliver(publish(("order:1", 2)))
        let newcomer = RecordingSubscriber()
        #expect(subscribe(newcomer, to: "order:1", since: .position(at(1))).replay.map(\.position) == [at(2)])
        let resumed = try #require(shard.resume(slow, on: channel("order:1"), limit: .max))
        #expect(resumed.positions == [at(1), at(2)] && resumed.isComplete)
        shard.deliver(publish(("order:1", 3)))
        loop.fire()
        #expect(early.messages == ["1", "2+3"])
        #expect(newcomer.messages == ["3"] && slow.messages == ["3"])
    }

    @Test("a window that closes in the middle of a pass waits for its end, and what is delivered meanwhile for both")
    func inOrder() {
        let subscribers = (0..<(HubShard.stride + 1)).map { _ in RecordingSubscriber() }
        for subscriber in subscribers {
            _ = subscribe(subscriber, to: "room:1")
            _ = subscribe(subscriber, to: "order:1")
        }
        var done: [Int] = []
        shard.deliver(publish(("order:1", 1), ("room:1", 2))) { done.append(1) }
        #expect(done.isEmpty && loop.waiting.count == 1)
        loop.fire()
        #expect(subscribers[0].messages == ["2"] && subscribers[HubShard.stride].messages.isEmpty)
        loop.turn()
        #expect(done == [1], "the pass is over, and that of the window has begun")
        shard.deliver(publish(("room:1", 3))) { done.append(2) }
        #expect(done == [1])
        while !loop.waiting.isEmpty { loop.turn() }
        #expect(done == [1, 2] && !shard.isHoldingAny)
        #expect(subscribers.allSatisfy { $0.messages == ["2", "1", "3"] })
    }

    @Test("as long as something older may come on a channel, it is known to be held")
    func positions() {
        /// Notes which channels were held when it was told.
        final class Watcher: Subscriber {
            let shard: HubShard
            var seen: [(message: String, held: [String])] = []
            init(_ shard: HubShard) { self.shard = shard }
            func enqueue(_ run: MessageRun, isLast: Bool) -> Bool {
                let held = ["order:1", "order:2", "room:1"].filter {
                    channel($0) != run.channel && shard.isHolding(channel($0))
                }
                seen.append((String(decoding: run.messages[0].payload, as: UTF8.self), held))
                return true
            }
            func flush() {}
            func fellBehind(on channel: ChannelName, feature: Feature) {}
        }
        let watcher = Watcher(shard)
        for name in ["order:1", "order:2", "room:1"] {
            _ = shard.subscribe(
                watcher, to: channel(name), feature: name.hasPrefix("room") ? plain : batched, version: .first,
                since: .latest)
        }
        shard.deliver(publish(("order:1", 1), ("order:2", 2), ("room:1", 3), ("order:1", 4)))
        loop.fire()
        shard.deliver(publish(("room:1", 5)))
        #expect(watcher.seen.map(\.message) == ["3", "2", "1+4", "5"])
        #expect(watcher.seen.map(\.held) == [["order:1", "order:2"], ["order:1"], [], []])
    }
}
