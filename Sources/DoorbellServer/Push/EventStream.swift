import DoorbellCore
import NIOCore

/// Server-sent events (WHATWG HTML, section 9.2) as the answer of one HTTP request. Lives on its event loop.
///
/// The `id` of an event is a position from which all channels of the stream can be resumed; an event that could not promise that has
/// none, and the client keeps the one before.
final class EventStream: PushCarrier {
    private weak var connection: HTTPConnectionHandler?
    private var stream: PushStream?

    init(connection: HTTPConnectionHandler) { self.connection = connection }

    /// The answer's head is on its way.
    func open(_ stream: PushStream, with actions: (inout Session) -> [Session.Action]) {
        self.stream = stream
        // Milliseconds until a client that lost its connection comes back.
        stream.append(Array("retry: 1000\n\n".utf8))
        stream.open(with: actions, bytesUp: 0)
    }

    func becameWritable() { stream?.becameWritable() }

    func ended() {
        let stream = stream
        self.stream = nil
        stream?.ended()
    }

    // MARK: PushCarrier

    var transport: PushTransport { .events }
    var marksPositions: Bool { true }

    /// Chunks are framed on the way.
    func send(_ bytes: [UInt8]) -> Int { 0 }

    /// A comment. Nothing comes from the client, so a connection that takes bytes counts as alive.
    var heartbeat: [UInt8] {
        if stream?.channel.isWritable == true {
            stream?.perform(isFlushed: false) { session in
                session.heard(now: PushStream.seconds())
                return []
            }
        }
        return Array(": alive\n\n".utf8)
    }

    func encoded(_ message: EncodedMessage, position: Position?) -> [UInt8] {
        Self.event(data: message.payload, id: position)
    }

    /// What a close frame says, as a last message.
    func farewell(_ code: CloseCode) -> [UInt8] {
        var data = Array(#"{"type":"closed","code":"#.utf8)
        JSONWriter.integer(UInt(code.number), to: &data)
        data += Array(#","reason":"#.utf8)
        JSONWriter.string(code.reason, to: &data)
        data.append(UInt8(ascii: "}"))
        return Self.event(data: data[...], id: nil)
    }

    func write(_ buffer: ByteBuffer) { connection?.writeEvents(buffer) }

    func close() { connection?.endEvents() }

    /// Every line of `data` becomes a line of its own: JSON columns may hold line breaks between their values.
    static func event(data: ArraySlice<UInt8>, id: Position?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + 64)
        if let id { bytes += Array("id: \(id)\n".utf8) }
        var rest = data
        repeat {
            let end = rest.firstIndex { $0 == 0x0A || $0 == 0x0D } ?? rest.endIndex
            bytes += Array("data: ".utf8)
            bytes += rest[rest.startIndex..<end]
            bytes.append(0x0A)
            var next = end
            if next < rest.endIndex {
                let isPair = rest[next] == 0x0D && next + 1 < rest.endIndex && rest[next + 1] == 0x0A
                next += isPair ? 2 : 1
            }
            rest = rest[next...]
        } while !rest.isEmpty
        bytes.append(0x0A)
        return bytes
    }
}

@available(*, unavailable)
extension EventStream: Sendable {}
