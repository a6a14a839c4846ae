public import DoorbellCore

/// How a connection ended.
public struct ConnectionEnd: Hashable, Sendable, CustomStringConvertible {
    public enum Cause: String, Sendable {
        /// The server sent a close frame.
        case server
        /// We closed.
        case client
        /// The server broke RFC 6455 or the message limit, and we closed.
        case violation
        /// The network ended it, or nothing came for too long.
        case lost
    }

    public let cause: Cause
    /// What was sent or received; 1005 when the close frame had no code, 1006 when there was no close frame.
    public let code: CloseCode

    public init(cause: Cause, code: CloseCode) {
        self.cause = cause
        self.code = code
    }

    public var description: String {
        "\(cause.rawValue): \(code.number)\(code.reason.isEmpty ? "" : " " + code.reason)"
    }

    /// Whether a new connection may be tried. After a network's end always; after a close by its code.
    public var mayReconnect: Bool {
        switch cause {
        case .lost: true
        case .server: code.mayReconnect || code.number == 1005
        case .client, .violation: false
        }
    }

    static func lost(_ reason: String) -> Self { Self(cause: .lost, code: CloseCode(number: 1006, reason: reason)) }
}
