/// A server message as bytes: a whole unmasked WebSocket text frame (RFC 6455, section 5.2), with its JSON at the end.
///
/// Made once and written to many sockets.
public struct EncodedMessage: Sendable {
    /// The whole frame.
    public let frame: [UInt8]
    /// Where the JSON begins in ``frame``.
    public let payloadOffset: Int

    public init(frame: [UInt8], payloadOffset: Int) {
        self.frame = frame
        self.payloadOffset = payloadOffset
    }

    /// The JSON alone.
    public var payload: ArraySlice<UInt8> { frame[payloadOffset...] }
}
