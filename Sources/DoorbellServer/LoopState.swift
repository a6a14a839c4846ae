import CoreMetrics
import DoorbellCore
import DoorbellHub
import DoorbellWire
import NIOCore

/// What one event loop owns: its shard and its connections. Lives on that loop.
final class LoopState {
    let shard: HubShard
    private var wheel: HeartbeatWheel<PushStream>
    /// Of ``wheel``. `nil` while there is nobody to serve.
    private var ticking: RepeatedTask?
    private let tick: TimeAmount
    let presence = PresenceWatchers()
    private(set) var heldPolls: [ObjectIdentifier: HeldPoll] = [:]
    private let tally: DeliveryTally
    /// The frame that was written last, ready to be written again: a publication goes to many connections in a row.
    private var lastFrame: (bytes: [UInt8], buffer: ByteBuffer)?

    init(core: ServerCore) {
        let tally = DeliveryTally()
        self.tally = tally
        let heartbeat = core.configuration.session.heartbeat.seconds
        // Four ticks a second are few enough to cost nothing, and many enough that a slot of many connections is served in a moment.
        let slots = Int(min(256, max(1, heartbeat * 4)))
        self.wheel = HeartbeatWheel(slots: slots)
        self.tick = .nanoseconds(max(1_000_000, Int64(heartbeat / Double(slots) * 1e9)))
        self.shard = HubShard(hub: core.hub, encode: PublicationEncoder.encode) { publication, subscribers in
            let (bytes, events) = tally.take()
            guard subscribers > 0 else { return }
            let at = core.now()
            if let metrics = core.metrics[publication.feature] {
                if subscribers > events { metrics.webSocketMessages.increment(by: subscribers - events) }
                if events > 0 { metrics.eventMessages.increment(by: events) }
                metrics.bytesSent.increment(by: bytes)
            }
            core.metrics.commitToSend.recordSeconds(max(0, at.seconds(since: publication.committedAt)))
            core.observer?.delivered(
                PushDelivery(publication: publication, subscribers: subscribers, bytes: bytes, at: at))
        }
    }

    /// Everybody who is pushed to, in no order.
    var streams: [PushStream] { wheel.members }

    /// `stream` beats from now on, until it is removed.
    func add(_ stream: PushStream) {
        wheel.add(stream)
        guard ticking == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: stream.channel.eventLoop)
        ticking = stream.channel.eventLoop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { _ in
            bound.value.beat()
        }
    }

    func remove(_ stream: PushStream) {
        wheel.remove(stream)
        guard wheel.isEmpty else { return }
        ticking?.cancel()
        ticking = nil
    }

    private func beat() {
        let now = PushStream.seconds()
        for stream in wheel.tick() where stream.seat.isTaken { stream.beat(now: now) }
    }

    func add(_ held: HeldPoll) { heldPolls[ObjectIdentifier(held)] = held }
    func remove(_ held: HeldPoll) { heldPolls[ObjectIdentifier(held)] = nil }

    /// Notes a live message that was queued, for the observer.
    func queued(bytes: Int, on transport: PushTransport) {
        tally.bytes += bytes
        if transport == .events { tally.events += 1 }
    }

    /// `frame` as a buffer that shares its bytes with the one before when the frame is the same array.
    func buffer(for frame: [UInt8]) -> ByteBuffer {
        if let last = lastFrame, last.bytes.isSameStorage(as: frame) { return last.buffer }
        let buffer = ByteBuffer(bytes: frame)
        lastFrame = (frame, buffer)
        return buffer
    }
}

@available(*, unavailable)
extension LoopState: Sendable {}

/// What was queued for the publication that is being delivered.
final class DeliveryTally {
    var bytes = 0
    /// Messages that went to event streams.
    var events = 0

    func take() -> (bytes: Int, events: Int) {
        defer { (bytes, events) = (0, 0) }
        return (bytes, events)
    }
}

extension [UInt8] {
    /// Whether both arrays are the same piece of memory; never true by chance, because both are alive.
    fileprivate func isSameStorage(as other: [UInt8]) -> Bool {
        withUnsafeBufferPointer { mine in
            other.withUnsafeBufferPointer { mine.baseAddress == $0.baseAddress && mine.count == $0.count }
        }
    }
}
