import DoorbellCore
import Testing

@testable import DoorbellHub

@Suite struct HubShardTests {
    /// Encodes to the position, and counts how often.
    final class CountingEncoder: Sendable {
        let calls = Locked(0)
        @Sendable func encode(_ publication: Publication, _ version: SchemaVersion) -> EncodedMessage {
            calls.withLock { $0 += 1 }
            return EncodedMessage(frame: Array("\(publication.position) v\(version)".utf8), payloadOffset: 0)
        }
    }

    /// One loop that runs at once.
    func make(encoder: CountingEncoder = CountingEncoder()) -> (Hub, HubShard) {
        let hub = Hub(now: { second(1) })
        let shard = HubShard(hub: hub, encode: encoder.encode)
        hub.open(floor: at(0))
        return (hub, shard)
    }

    @Test("a publication is encoded once for a thousand subscribers of one version")
    func encodedOnce() {
        let encoder = CountingEncoder()
        let (hub, shard) = make(encoder: encoder)
        let subscribers = (0..<1000).map { _ in RecordingSubscriber() }
        for (index, subscriber) in subscribers.enumerated() {
            _ = shard.subscribe(
                subscriber, to: channel("order:1"), feature: feature(), version: SchemaVersion(index % 2 + 1)!,
                since: .latest)
        }
        shard.deliver(hub.publish([draft("order:1", at(1))], head: at(1)))
        #expect(subscribers.allSatisfy { $0.messages.count == 1 })
        #expect(subscribers[1].messages == ["1.1-1 v2"])
        #expect(encoder.calls.withLock { $0 } == 2)
    }

    @Test("several messages for one connection in one batch are flushed once")
    func coalesced() {
        let (hub, shard) = make()
        let subscriber = RecordingSubscriber()
        for name in ["order:1", "order:2"] {
            _ = shard.subscribe(subscriber, to: channel(name), feature: feature(), version: .first, since: .latest)
        }
        shard.deliver(
            hub.publish([draft("order:1", at(1)), draft("order:2", at(2)), draft("order:1", at(3))], head: at(3)))
        #expect(subscriber.flushes == [3])
    }

    /// A batch can be on its way to the loop while a subscription reads it from history: it must come once.
    @Test("a batch that was still on its way when the subscription was replayed is not told twice")
    func lateBatch() {
        let (hub, shard) = make()
        let late = hub.publish([draft("order:1", at(1)), draft("order:1", at(2))], head: at(2))
        let subscriber = RecordingSubscriber()
        let joined = shard.subscribe(
            subscriber, to: channel("order:1"), feature: feature(), version: .first, since: .position(at(0)))
        #expect(joined.replay.map(\.position) == [at(1), at(2)])
        shard.deliver(late)
        #expect(subscriber.messages.isEmpty)
        shard.deliver(hub.publish([draft("order:1", at(3))], head: at(3)))
        #expect(subscriber.messages == ["1.1-3 v1"])
    }

    @Test("a subscriber over its budget is told so and delays nobody")
    func overBudget() {
        let (hub, shard) = make()
        let slow = RecordingSubscriber()
        let quick = RecordingSubscriber()
        slow.budget = 1
        for subscriber in [slow, quick] {
            _ = shard.subscribe(subscriber, to: channel("order:1"), feature: feature(), version: .first, since: .latest)
        }
        for seq: UInt64 in 1...3 { shard.deliver(hub.publish([draft("order:1", at(seq))], head: at(seq))) }
        #expect(slow.messages.count == 1 && slow.behind.count == 1)
        #expect(quick.messages.count == 3)
    }

    @Test(
        "a subscriber that fell behind goes on from history, part by part, with nothing missed and nothing told twice")
    func resumed() throws {
        let (hub, shard) = make()
        let slow = RecordingSubscriber()
        slow.budget = 2
        _ = shard.subscribe(slow, to: channel("order:1"), feature: feature(), version: .first, since: .latest)
        for seq: UInt64 in 1...4 { shard.deliver(hub.publish([draft("order:1", at(seq))], head: at(seq))) }
        #expect(slow.messages == ["1.1-1 v1", "1.1-2 v1"])
        // One message is more than the limit, and comes all the same.
        let first = try #require(shard.resume(slow, on: channel("order:1"), limit: 1))
        #expect(first.positions == [at(3)] && first.recovered && !first.isComplete)
        // Still behind: what is published meanwhile is read from history as well.
        let late = hub.publish([draft("order:1", at(5))], head: at(5))
        slow.budget = 10
        let rest = try #require(shard.resume(slow, on: channel("order:1"), limit: .max))
        #expect(rest.positions == [at(4), at(5)] && rest.isComplete)
        shard.deliver(late)
        #expect(slow.messages.count == 2, "it was in history when the subscription went live again")
        shard.deliver(hub.publish([draft("order:1", at(6))], head: at(6)))
        #expect(slow.messages.last == "1.1-6 v1")
        #expect(shard.resume(slow, on: channel("order:1"), limit: .max) == nil)
    }

    @Test("a subscriber that was behind for longer than history reaches is told so once, and is live again")
    func gone() throws {
        let (hub, shard) = make()
        let slow = RecordingSubscriber()
        slow.budget = 0
        let short = feature(history: HistoryLimits(count: 2))
        _ = shard.subscribe(slow, to: channel("order:1"), feature: short, version: .first, since: .latest)
        shard.deliver(hub.publish((1...5).map { draft("order:1", at($0), feature: short) }, head: at(5)))
        let resumed = try #require(shard.resume(slow, on: channel("order:1"), limit: .max))
        #expect(!resumed.recovered && resumed.isComplete && resumed.messages.isEmpty && resumed.position == at(5))
        slow.budget = 10
        shard.deliver(hub.publish([draft("order:1", at(6), feature: short)], head: at(6)))
        #expect(slow.messages == ["1.1-6 v1"])
    }

    @Test(
        "of a feature that conflates, a subscriber that fell behind is told the newest of each row only, and how many not"
    )
    func conflated() throws {
        let (hub, shard) = make()
        let name = channel("order:1")
        let slow = RecordingSubscriber()
        slow.budget = 1
        let feature = feature(slow: .conflate)
        _ = shard.subscribe(slow, to: name, feature: feature, version: .first, since: .latest)
        func publish(_ seqs: ClosedRange<UInt64>) {
            let drafts = seqs.map { seq in
                let rendition = Publication.Rendition(
                    version: .first, key: Array("\(seq % 3)".utf8), data: [0x31], changed: nil)
                return Draft(
                    feature: feature, audience: .channel(name), content: .change(.update, [rendition]),
                    position: at(seq), committedAt: second(1))
            }
            for draft in drafts { shard.deliver(hub.publish([draft], head: draft.position)) }
        }
        publish(1...10)
        #expect(slow.messages == ["1.1-1 v1"] && slow.behind == [name])
        let first = try #require(shard.resume(slow, on: name, limit: 1))
        #expect(first.positions == [at(8)] && first.dropped == 6 && !first.isComplete && first.recovered)
        publish(11...11)
        slow.budget = 10
        let rest = try #require(shard.resume(slow, on: name, limit: .max))
        #expect(rest.positions == [at(9), at(10), at(11)] && rest.dropped == 0 && rest.isComplete)
        publish(12...12)
        #expect(slow.messages == ["1.1-1 v1", "1.1-12 v1"])
    }

    @Test("a replay larger than its limit is begun, and live messages wait for its rest")
    func longReplay() throws {
        let (hub, shard) = make()
        shard.deliver(hub.publish((1...3).map { draft("order:1", at($0)) }, head: at(3)))
        let subscriber = RecordingSubscriber()
        let joined = shard.subscribe(
            subscriber, to: channel("order:1"), feature: feature(), version: .first, since: .position(at(0)), limit: 1)
        #expect(joined.recovered && !joined.isComplete && joined.replay.map(\.position) == [at(1)])
        shard.deliver(hub.publish([draft("order:1", at(4))], head: at(4)))
        #expect(subscriber.messages.isEmpty)
        let rest = try #require(shard.resume(subscriber, on: channel("order:1"), limit: .max))
        #expect(rest.positions == [at(2), at(3), at(4)] && rest.isComplete)
    }

    @Test("after unsubscribing nothing is told, and others still are")
    func unsubscribed() {
        let (hub, shard) = make()
        let subscribers = (0..<3).map { _ in RecordingSubscriber() }
        for subscriber in subscribers {
            _ = shard.subscribe(subscriber, to: channel("order:1"), feature: feature(), version: .first, since: .latest)
        }
        shard.unsubscribe(subscribers[0], from: channel("order:1"))
        shard.unsubscribe(subscribers[0], from: channel("order:1"))
        shard.deliver(hub.publish([draft("order:1", at(1))], head: at(1)))
        #expect(subscribers.map(\.messages.count) == [0, 1, 1])
        #expect(hub.usage.subscriptions == 2)
    }

    @Test("the publishing thread is held back when a loop does not keep up, and nothing is lost or reordered")
    func heldBack() async {
        let hub = Hub(now: { second(1) })
        hub.open(floor: at(0))
        let waiting = Locked<[@Sendable () -> Void]>([])
        let delivered = Locked<[Position]>([])
        hub.attach(
            ShardHandle(
                run: { work in waiting.withLock { $0.append(work) } },
                deliver: { batch, done in
                    delivered.withLock { $0 += batch.map(\.position) }
                    done()
                }))
        let total = UInt64(ShardHandle.maximumPending * 3)
        let publishing = Task.detached {
            for seq in 1...total { hub.publish([draft("order:1", at(seq))], head: at(seq)) }
        }
        while delivered.withLock({ $0.count }) < Int(total) {
            let work = waiting.withLock { work in
                #expect(work.count <= ShardHandle.maximumPending)
                defer { work.removeAll() }
                return work
            }
            for item in work { item() }
            await Task.yield()
        }
        await publishing.value
        #expect(delivered.withLock { $0 } == (1...total).map { at($0) })
    }

    // MARK: Runs

    @Test("messages told together are joined once, in order, for all who are sent the same form")
    func joined() {
        let (hub, shard) = make()
        let run = RunKeeper()
        _ = shard.subscribe(run, to: channel("order:1"), feature: feature(), version: .first, since: .latest)
        shard.deliver(hub.publish((1...3).map { draft("order:1", at($0)) }, head: at(3)))
        var calls = 0
        func bytes() -> String? {
            run.last.map { run in
                String(
                    decoding: run.bytes(as: .frame) {
                        calls += 1
                        return $0.frame
                    }, as: UTF8.self)
            }
        }
        #expect(bytes() == "1.1-1 v11.1-2 v11.1-3 v1")
        #expect(bytes() != nil && calls == 3, "made once")
    }

    @Test("messages of several channels keep the order in which they were committed")
    func order() {
        let (hub, shard) = make()
        let subscriber = RecordingSubscriber()
        for name in ["order:1", "order:2"] {
            _ = shard.subscribe(subscriber, to: channel(name), feature: feature(), version: .first, since: .latest)
        }
        let names = ["order:1", "order:1", "order:2", "order:1", "order:2"]
        shard.deliver(
            hub.publish(
                names.enumerated().map { draft($0.element, at(UInt64($0.offset) + 1)) }, head: at(5)))
        #expect(subscriber.messages == (1...5).map { "1.1-\($0) v1" })
        #expect(subscriber.runs == [2, 1, 1, 1])
    }

    @Test("a run is no longer than the limit, but for a single message that is")
    func runLimit() {
        let hub = Hub(now: { second(1) })
        let shard = HubShard(
            hub: hub, encode: CountingEncoder().encode, runLimit: 2 * Publication.overhead)
        hub.open(floor: at(0))
        let subscriber = RecordingSubscriber()
        _ = shard.subscribe(subscriber, to: channel("order:1"), feature: feature(), version: .first, since: .latest)
        shard.deliver(hub.publish((1...5).map { draft("order:1", at($0)) }, head: at(5)))
        #expect(subscriber.runs == [2, 2, 1])
        #expect(subscriber.messages.count == 5)
    }

    @Test("a subscription that was replayed in the middle of a run is told the rest of it, and observed apart")
    func joinedLate() {
        let hub = Hub(now: { second(1) })
        let observed = Locked<[Int]>([])
        let shard = HubShard(
            hub: hub, encode: CountingEncoder().encode,
            observe: { publications in observed.withLock { $0.append(publications.count) } })
        hub.open(floor: at(0))
        let early = RecordingSubscriber()
        let newcomer = RecordingSubscriber()
        _ = shard.subscribe(early, to: channel("order:1"), feature: feature(), version: .first, since: .latest)
        let first = hub.publish([draft("order:1", at(1)), draft("order:1", at(2))], head: at(2))
        _ = shard.subscribe(newcomer, to: channel("order:1"), feature: feature(), version: .first, since: .latest)
        shard.deliver(first + hub.publish([draft("order:1", at(3))], head: at(3)))
        #expect(early.messages == (1...3).map { "1.1-\($0) v1" })
        #expect(newcomer.messages == ["1.1-3 v1"])
        #expect(observed.withLock { $0 } == [3, 1])
    }

    // MARK: Passes over many

    /// A loop that runs what is put off only when it is told to.
    final class ManualLoop {
        var waiting: [() -> Void] = []
        func turn() {
            let due = waiting
            waiting = []
            for work in due { work() }
        }
    }

    @Test("a pass over many lets the loop do other things in between, and whoever leaves or comes then moves nobody")
    func interrupted() {
        let hub = Hub(now: { second(1) })
        let loop = ManualLoop()
        let shard = HubShard(hub: hub, encode: CountingEncoder().encode, later: { loop.waiting.append($0) })
        hub.open(floor: at(0))
        let name = channel("order:1")
        let subscribers = (0..<(HubShard.stride * 2 + 10)).map { _ in RecordingSubscriber() }
        for subscriber in subscribers {
            _ = shard.subscribe(subscriber, to: name, feature: feature(), version: .first, since: .latest)
        }
        var isDone = false
        shard.deliver(hub.publish([draft("order:1", at(1))], head: at(1))) { isDone = true }
        #expect(subscribers.count { !$0.messages.isEmpty } == HubShard.stride && !isDone)
        // One that was told leaves: the last must not take its place and be skipped. One that was not leaves, too, and one comes.
        shard.unsubscribe(subscribers[0], from: name)
        shard.unsubscribe(subscribers[HubShard.stride + 5], from: name)
        let newcomer = RecordingSubscriber()
        _ = shard.subscribe(newcomer, to: name, feature: feature(), version: .first, since: .latest)
        loop.turn()
        #expect(!isDone)
        loop.turn()
        #expect(isDone && loop.waiting.isEmpty)
        #expect(newcomer.messages.isEmpty)
        for (index, subscriber) in subscribers.enumerated() {
            #expect(subscriber.messages.count == (index == HubShard.stride + 5 ? 0 : 1))
        }
        shard.deliver(hub.publish([draft("order:1", at(2))], head: at(2)))
        while !loop.waiting.isEmpty { loop.turn() }
        #expect(newcomer.messages == ["1.1-2 v1"])
        #expect(subscribers[0].messages.count == 1 && subscribers[1].messages.count == 2)
        #expect(hub.usage.subscriptions == subscribers.count - 1)
    }

    @Test("a pass over many runs lets the loop do other things, too, and keeps the order")
    func manyRuns() {
        let hub = Hub(now: { second(1) })
        let loop = ManualLoop()
        let shard = HubShard(hub: hub, encode: CountingEncoder().encode, later: { loop.waiting.append($0) })
        hub.open(floor: at(0))
        let subscriber = RecordingSubscriber()
        for name in ["order:1", "order:2"] {
            _ = shard.subscribe(subscriber, to: channel(name), feature: feature(), version: .first, since: .latest)
        }
        let count = UInt64(HubShard.stride * 2 + 10)
        var isDone = false
        shard.deliver(hub.publish((1...count).map { draft("order:\($0 % 2 + 1)", at($0)) }, head: at(count))) {
            isDone = true
        }
        #expect(!isDone && subscriber.messages.count == HubShard.stride)
        #expect(shard.toldThrough == nil, "history is ahead of what was told")
        loop.turn()
        #expect(!isDone && loop.waiting.count == 1)
        loop.turn()
        #expect(isDone && loop.waiting.isEmpty && shard.toldThrough == at(count))
        #expect(subscriber.messages == (1...count).map { "1.1-\($0) v1" })
    }

    @Test("a subscriber that falls behind in one part of a pass and catches up before the next is told nothing twice")
    func behindInAPass() throws {
        let hub = Hub(now: { second(1) })
        let loop = ManualLoop()
        let shard = HubShard(hub: hub, encode: CountingEncoder().encode, later: { loop.waiting.append($0) })
        hub.open(floor: at(0))
        let name = channel("order:1")
        let slow = RecordingSubscriber()
        slow.budget = 0
        _ = shard.subscribe(slow, to: name, feature: feature(), version: .first, since: .latest)
        for _ in 0..<HubShard.stride {
            _ = shard.subscribe(RecordingSubscriber(), to: name, feature: feature(), version: .first, since: .latest)
        }
        let other = channel("order:2")
        _ = shard.subscribe(slow, to: other, feature: feature(), version: .first, since: .latest)
        shard.deliver(
            hub.publish([draft("order:1", at(1)), draft("order:2", at(2)), draft("order:1", at(3))], head: at(3)))
        #expect(slow.behind == [name])
        slow.budget = 10
        let resumed = try #require(shard.resume(slow, on: name, limit: .max))
        #expect(resumed.positions == [at(1), at(3)] && resumed.isComplete)
        while !loop.waiting.isEmpty { loop.turn() }
        #expect(slow.messages == ["1.1-2 v1"])
    }

    @Test("batches that wait for a busy loop come to it together")
    func together() {
        let hub = Hub(now: { second(1) })
        hub.open(floor: at(0))
        let waiting = Locked<[@Sendable () -> Void]>([])
        let passes = Locked<[Int]>([])
        hub.attach(
            ShardHandle(
                run: { work in waiting.withLock { $0.append(work) } },
                deliver: { batch, done in
                    passes.withLock { $0.append(batch.count) }
                    done()
                }))
        for seq: UInt64 in 1...5 { hub.publish([draft("order:1", at(seq))], head: at(seq)) }
        #expect(waiting.withLock { $0.count } == 1, "the loop is woken once")
        for work in waiting.withLock({ $0 }) { work() }
        #expect(passes.withLock { $0 } == [5])
    }
}

/// Keeps the last run it was told.
private final class RunKeeper: Subscriber {
    var last: MessageRun?
    func enqueue(_ run: MessageRun, isLast: Bool) -> Bool {
        last = run
        return true
    }
    func flush() {}
    func fellBehind(on channel: ChannelName, feature: Feature) {}
}
