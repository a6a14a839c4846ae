public import DoorbellCore

/// What server and client agree on about compression (permessage-deflate, RFC 7692).
///
/// Neither side keeps a context from message to message. So a message is compressed once for all clients, and a connection
/// holds no memory for compression between messages.
public struct PerMessageDeflate: Equatable, Sendable {
    /// How far back in a message the compressed data may refer. Two sizes serve every client that can be served: a message is
    /// compressed at most twice.
    public enum Window: Sendable {
        /// 4 KiB: compresses messages of usual size as well as the largest one does.
        case usual
        /// 512 bytes, for clients that ask for less.
        case small

        /// The base-2 logarithm of the size in bytes.
        public var bits: Int { self == .usual ? 12 : 9 }
    }

    public let window: Window
    /// Whether the client limited the window of what it receives, so that the answer must, too.
    private let isWindowLimited: Bool

    /// The first offer that can be met, or `nil`: the connection goes without compression.
    ///
    /// An offer with a parameter that is unknown, repeated or out of its range is declined (RFC 7692, section 7.1), and one with
    /// `server_max_window_bits=8`, which zlib cannot do.
    public static func accept(_ offers: [WebSocketExtension]) -> PerMessageDeflate? {
        for offer in offers where offer.name == "permessage-deflate" {
            if let agreement = PerMessageDeflate(offer) { return agreement }
        }
        return nil
    }

    private init?(_ offer: WebSocketExtension) {
        var seen: Set<String> = []
        var limit: Int?
        for parameter in offer.parameters {
            guard seen.insert(parameter.name).inserted else { return nil }
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil), ("client_no_context_takeover", nil): break
            // What the client sends may use the largest window: it is read with that.
            case ("client_max_window_bits", nil): break
            case ("client_max_window_bits", let value?): guard Self.bits(value) != nil else { return nil }
            case ("server_max_window_bits", let value?):
                guard let bits = Self.bits(value) else { return nil }
                limit = bits
            default: return nil
            }
        }
        isWindowLimited = limit != nil
        switch limit ?? 15 {
        case Window.usual.bits...: window = .usual
        case Window.small.bits...: window = .small
        default: return nil
        }
    }

    /// 8 to 15, without leading zeros.
    private static func bits(_ text: String) -> Int? {
        guard let bits = Int(text), (8...15).contains(bits), String(bits) == text else { return nil }
        return bits
    }

    /// What messages are written as.
    public var form: EncodedMessage.Form {
        switch window {
        case .usual: .compressedFrame
        case .small: .compressedFrameOfSmallWindow
        }
    }

    /// The value of the `Sec-WebSocket-Extensions` field that answers.
    public var headerValue: String {
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            + (isWindowLimited ? "; server_max_window_bits=\(window.bits)" : "")
    }
}
