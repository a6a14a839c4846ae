import DoorbellCore
import DoorbellHub
import DoorbellWire
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
    ///
    /// - Parameter costs: Bytes of the two heads.
    func open(_ stream: PushStream, costs: (up: Int, down: Int), with actions: (inout Session) -> [Session.Action]) {
        self.stream = stream
        // Milliseconds until a client that lost its connection comes back.
        stream.costs = costs
        stream.appendCost(ServerSentEvent(retry: 1000).encoded())
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

    /// A comment.
    func beat() -> [UInt8] { ServerSentEvent.heartbeat }

    func encoded(_ message: EncodedMessage, position: Position?) -> [UInt8] {
        ServerSentEvent.encode(message, id: position)
    }

    func encoded(_ run: MessageRun, isPositioned: Bool) -> [UInt8] {
        run.bytes(as: isPositioned ? .event : .eventWithoutID) { message in
            ServerSentEvent.encode(message, id: isPositioned ? message.position : nil)
        }
    }

    /// What a close frame says, as a last message.
    func farewell(_ code: CloseCode) -> [UInt8] {
        var data = Array(#"{"type":"closed","code":"#.utf8)
        JSONWriter.integer(UInt(code.number), to: &data)
        data += Array(#","reason":"#.utf8)
        JSONWriter.string(code.reason, to: &data)
        data.append(UInt8(ascii: "}"))
        return ServerSentEvent(data: data[...]).encoded()
    }

    var unsentBytes: Int { connection?.unsentBytes ?? 0 }

    func write(_ buffer: ByteBuffer) {
        // A chunk is its length in hexadecimal, two line ends and what is in it.
        stream?.costs.down += (Int.bitWidth - buffer.readableBytes.leadingZeroBitCount + 3) / 4 + 4
        connection?.writeEvents(buffer)
    }

    func close() { connection?.endEvents() }
}

@available(*, unavailable)
extension EventStream: Sendable {}
