import DoorbellCore
import NIOCore

/// What carries a ``PushStream`` to its client: a WebSocket or an event stream. Lives on the stream's event loop.
protocol PushCarrier: AnyObject {
    var transport: PushTransport { get }
    /// One message as this carrier's bytes.
    ///
    /// - Parameter position: Where the client goes on when it comes back after this message; `nil`: where it would have before.
    func encoded(_ message: EncodedMessage, position: Position?) -> [UInt8]
    /// A sign of life to the client.
    var heartbeat: [UInt8] { get }
    /// The last bytes before the carrier ends for `code`.
    func farewell(_ code: CloseCode) -> [UInt8]
    /// Writes and flushes bytes that came from the above.
    func write(_ buffer: ByteBuffer)
    /// Everything has been written: ends, in the manner of the carrier.
    func close()
}

enum PushTransport: String, CaseIterable {
    case webSocket = "websocket"
    case events = "sse"
}
