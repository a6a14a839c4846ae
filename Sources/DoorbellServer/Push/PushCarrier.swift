import DoorbellCore
import DoorbellHub
import NIOCore

/// What carries a ``PushStream`` to its client: a WebSocket or an event stream. Lives on the stream's event loop.
protocol PushCarrier: AnyObject {
    var transport: PushTransport { get }
    /// One message as this carrier's bytes.
    ///
    /// - Parameter position: Where the client goes on when it comes back after this message; `nil`: where it would have before.
    func encoded(_ message: EncodedMessage, position: Position?) -> [UInt8]
    /// Messages of one channel as this carrier's bytes, shared with every connection that is sent the same.
    ///
    /// - Parameter isPositioned: Whether a client that comes back may go on after each of them.
    func encoded(_ run: MessageRun, isPositioned: Bool) -> [UInt8]
    /// Whether ``encoded(_:position:)`` makes anything of a position.
    var marksPositions: Bool { get }
    /// A sign of life to the client.
    func beat() -> [UInt8]
    /// The last bytes before the carrier ends for `code`.
    func farewell(_ code: CloseCode) -> [UInt8]
    /// Writes and flushes bytes that came from the above.
    func write(_ buffer: ByteBuffer)
    /// Bytes that were written and that the kernel has not taken.
    var unsentBytes: Int { get }
    /// Gives the socket as many of `bytes` as it takes at once, past everything in between. Only while nothing is waiting to be written.
    ///
    /// - Returns: How many it took; 0 where the way is not direct.
    func send(_ bytes: [UInt8]) -> Int
    /// Everything has been written: ends, in the manner of the carrier.
    func close()
}

enum PushTransport: String, CaseIterable {
    case webSocket = "websocket"
    case events = "sse"
}
