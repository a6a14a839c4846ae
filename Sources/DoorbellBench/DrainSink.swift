import DoorbellCore
import DoorbellHub
import DoorbellTesting
import DoorbellTranslate
import DoorbellWire
import Foundation

/// What the service does with captured changes, without the sockets: translate, publish into a hub, encode for one
/// subscriber of every channel on the queue of one shard.
final class DrainSink: ChangeSink {
    private struct Progress {
        var opened: UInt64 = 0
        var firstBatch: UInt64 = 0
        var delivered = 0
        var encoded = 0
        var bytes = 0
        var finished: UInt64 = 0
    }

    private let translator: Translator
    private let hub: Hub
    private let queue = DispatchQueue(label: "shard")
    private let progress = Locked(Progress())
    private let expected: Int

    init(feature: Feature, channels: [ChannelName], expected: Int) throws {
        self.translator = Translator(features: [feature])
        self.expected = expected
        let clock: @Sendable () -> Timestamp = { Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6)) }
        let hub = Hub(now: clock)
        self.hub = hub
        let queue = queue
        let confined = Confined(hub: hub)
        hub.attach(ShardHandle(run: { queue.async(execute: $0) }, deliver: { confined.shard.deliver($0, done: $1) }))
        queue.sync {
            let reader = Reader { [weak self] in self?.encoded($0) }
            for channel in channels {
                _ = confined.shard.subscribe(reader, to: channel, feature: feature, version: .first, since: .latest)
            }
        }
    }

    /// The shard, used on `queue` only.
    private final class Confined: @unchecked Sendable {
        let shard: HubShard
        init(hub: Hub) { self.shard = HubShard(hub: hub, encode: PublicationEncoder.encode) }
    }

    private final class Reader: Subscriber {
        private let onMessage: (EncodedMessage) -> Void
        init(_ onMessage: @escaping (EncodedMessage) -> Void) { self.onMessage = onMessage }
        func enqueue(_ run: MessageRun, isLast: Bool) -> Bool {
            for message in run.messages { onMessage(message) }
            return true
        }
        func flush() {}
        func fellBehind(on channel: ChannelName, feature: Feature) {}
    }

    private func encoded(_ message: EncodedMessage) {
        progress.withLock {
            $0.encoded += 1
            $0.bytes += message.frame.count
            if $0.encoded == expected { $0.finished = Moment.now }
        }
    }

    // MARK: ChangeSink

    func logOpened(floor: Position, replayingTo: Position?) {
        hub.open(floor: floor)
        progress.withLock { $0.opened = Moment.now }
    }

    func deliver(_ batch: ChangeBatch, queries: any ChannelQueryRunner) {
        var drafts: [Draft] = []
        drafts.reserveCapacity(batch.changes.count)
        for change in batch.changes { drafts += translator.translate(change, queries: queries).drafts }
        progress.withLock {
            if $0.firstBatch == 0 { $0.firstBatch = Moment.now }
            $0.delivered += batch.changes.count
        }
        hub.publish(drafts, head: batch.head)
    }

    func captureChanged(to status: CaptureStatus) {}

    // MARK: Results

    var encodedCount: Int { progress.withLock { $0.encoded } }
    var isFinished: Bool { progress.withLock { $0.finished > 0 } }
    /// From the log's opening to the last message, in seconds.
    var duration: Double { progress.withLock { Double($0.finished - $0.opened) / 1e9 } }
    /// The part of ``duration`` before the first batch: the tick, and the database's sort.
    var beforeFirstBatch: Double { progress.withLock { Double($0.firstBatch - $0.opened) / 1e9 } }
    var usage: HubUsage { hub.usage }
}
