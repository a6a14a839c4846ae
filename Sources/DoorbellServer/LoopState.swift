import CoreMetrics
import DoorbellCore
import DoorbellHub
import DoorbellWire
import NIOCore

/// What one event loop owns: its shard and its connections. Lives on that loop.
final class LoopState {
    let shard: HubShard
    private(set) var webSockets: [ObjectIdentifier: WebSocketConnection] = [:]
    private let tally: DeliveryTally
    /// The frame that was written last, ready to be written again: a publication goes to many connections in a row.
    private var lastFrame: (bytes: [UInt8], buffer: ByteBuffer)?

    init(core: ServerCore) {
        let tally = DeliveryTally()
        self.tally = tally
        self.shard = HubShard(hub: core.hub, encode: PublicationEncoder.encode) { publication, subscribers in
            let bytes = tally.take()
            guard subscribers > 0 else { return }
            let at = core.now()
            core.metrics[publication.feature]?.messagesSent.increment(by: subscribers)
            core.metrics[publication.feature]?.bytesSent.increment(by: bytes)
            core.metrics.commitToSend.recordSeconds(max(0, at.seconds(since: publication.committedAt)))
            core.observer?.delivered(
                PushDelivery(publication: publication, subscribers: subscribers, bytes: bytes, at: at))
        }
    }

    func add(_ connection: WebSocketConnection) { webSockets[ObjectIdentifier(connection)] = connection }
    func remove(_ connection: WebSocketConnection) { webSockets[ObjectIdentifier(connection)] = nil }

    /// Notes the bytes of a live message that was queued, for the observer.
    func queued(bytes: Int) { tally.bytes += bytes }

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

/// Bytes that were queued for the publication that is being delivered.
final class DeliveryTally {
    var bytes = 0

    func take() -> Int {
        defer { bytes = 0 }
        return bytes
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
