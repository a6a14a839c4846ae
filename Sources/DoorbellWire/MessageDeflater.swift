public import DoorbellCore

/// Compresses messages for all clients that agreed to it (``PerMessageDeflate``).
///
/// The compressed frame is kept with the message, so each message is compressed once for each ``PerMessageDeflate/Window`` that
/// is in use, however many event loops and connections write it. Holds 32 KiB for each of them. Not Sendable: one for each
/// event loop.
public final class MessageDeflater {
    /// Shorter messages, in bytes of JSON, are sent as they are: they would hardly become shorter.
    public static let minimumLength = 150
    /// Longer messages are sent as they are: compressing one more than this keeps an event loop from everybody else for
    /// milliseconds.
    public static let maximumLength = 256 << 10

    private let level: Int
    private let observe: ((_ before: Int, _ after: Int) -> Void)?
    private lazy var usual = DeflateStream(windowBits: PerMessageDeflate.Window.usual.bits, level: level)
    private lazy var small = DeflateStream(windowBits: PerMessageDeflate.Window.small.bits, level: level)

    /// - Parameters:
    ///   - level: 1 (fast) to 9 (small).
    ///   - observe: Is told the bytes of JSON before and after each compression; they are equal where it was of no use.
    public init(level: Int = 1, observe: ((_ before: Int, _ after: Int) -> Void)? = nil) {
        self.level = min(max(level, 1), 9)
        self.observe = observe
    }

    /// The frame to write: compressed when that is shorter, else the message's own. A client takes both (RFC 7692, section 6).
    public func frame(of message: EncodedMessage, for agreement: PerMessageDeflate) -> [UInt8] {
        guard (Self.minimumLength...Self.maximumLength).contains(message.payload.count) else { return message.frame }
        return message.bytes(as: agreement.form) { compressed($0, by: agreement.window == .usual ? usual : small) }
    }

    private func compressed(_ message: EncodedMessage, by stream: DeflateStream?) -> [UInt8] {
        guard let payload = stream?.deflate(message.payload) else {
            observe?(message.payload.count, message.payload.count)
            return message.frame
        }
        observe?(message.payload.count, payload.count)
        return WebSocketFrame.encode(.text, payload, isCompressed: true)
    }
}

@available(*, unavailable)
extension MessageDeflater: Sendable {}
