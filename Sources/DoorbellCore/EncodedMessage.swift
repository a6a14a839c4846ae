import Synchronization

/// A server message as bytes: a whole unmasked WebSocket text frame (RFC 6455, section 5.2), with its JSON at the end.
///
/// Made once, shared by reference and written to many sockets. What else the message is written as, a server-sent event or a
/// compressed frame, is made of the same JSON when it is first asked for, and kept (``bytes(as:make:)``).
public final class EncodedMessage: Sendable {
    /// What a message is written as.
    public enum Form: Sendable {
        /// ``EncodedMessage/frame``.
        case frame
        /// A server-sent event whose id is ``EncodedMessage/position``.
        case event
        /// A server-sent event without an id.
        case eventWithoutID
        /// A frame with a compressed payload.
        case compressedFrame
        /// A frame with a compressed payload for clients that hold only a small window.
        case compressedFrameOfSmallWindow
    }

    private typealias Forms = Locked<[(form: Form, bytes: [UInt8])]>

    /// The whole frame.
    public let frame: [UInt8]
    /// Where the JSON begins in ``frame``.
    public let payloadOffset: Int
    /// The message's `type`; empty when its maker did not say.
    public let type: String
    /// The position that the message carries, if it carries one.
    public let position: Position?
    /// Owned; set once. Most messages are only ever written as frames and need no more than this pointer.
    private let forms = Atomic<Unmanaged<Forms>?>(nil)

    public init(frame: [UInt8], payloadOffset: Int, type: String = "", position: Position? = nil) {
        self.frame = frame
        self.payloadOffset = payloadOffset
        self.type = type
        self.position = position
    }

    deinit { forms.load(ordering: .acquiring)?.release() }

    /// The JSON alone.
    public var payload: ArraySlice<UInt8> { frame[payloadOffset...] }

    /// The message as `form`, made by `make` on the first call for that form and kept.
    public func bytes(as form: Form, make: (EncodedMessage) -> [UInt8]) -> [UInt8] {
        sharedForms().withLock { forms in
            if let known = forms.first(where: { $0.form == form }) { return known.bytes }
            let bytes = make(self)
            forms.append((form, bytes))
            return bytes
        }
    }

    private func sharedForms() -> Forms {
        if let known = forms.load(ordering: .acquiring) { return known.takeUnretainedValue() }
        let fresh = Unmanaged.passRetained(Forms([]))
        let (isFirst, known) = forms.compareExchange(
            expected: nil, desired: fresh, successOrdering: .acquiringAndReleasing, failureOrdering: .acquiring)
        guard !isFirst, let known else { return fresh.takeUnretainedValue() }
        fresh.release()
        return known.takeUnretainedValue()
    }
}
