/// Why a connection ends, as a WebSocket close code (RFC 6455, section 7.4) with our own from 4000.
///
/// The number alone tells a client what to do: 4000 to 4499 reconnect with backoff, 4500 to 4999 do not.
public struct CloseCode: Hashable, Sendable {
    public let number: UInt16
    public let reason: String

    public init(number: UInt16, reason: String) {
        self.number = number
        self.reason = reason
    }

    /// Whether a well-behaved client opens a new connection by itself.
    public var mayReconnect: Bool {
        switch number {
        case 1001, 1006, 1012, 1013, 4000..<4500: true
        default: false
        }
    }

    public static let normal = Self(number: 1000, reason: "")
    public static let goingAway = Self(number: 1001, reason: "going away")
    public static let protocolError = Self(number: 1002, reason: "protocol error")
    public static let unsupportedData = Self(number: 1003, reason: "text messages only")
    public static let invalidData = Self(number: 1007, reason: "invalid UTF-8")
    public static let messageTooBig = Self(number: 1009, reason: "message too big")
    public static let serviceRestart = Self(number: 1012, reason: "service restart")
    public static let tryAgainLater = Self(number: 1013, reason: "try again later")
    /// The client reads too slowly for its send budget.
    public static let slowConsumer = Self(number: 4000, reason: "slow consumer")
    /// Nothing was heard from the client within the heartbeat deadline.
    public static let heartbeatMissed = Self(number: 4001, reason: "heartbeat missed")
    /// Capture is behind or unsure: poll for now.
    public static let captureUnsure = Self(number: 4002, reason: "capture is not live: poll for now")
    /// The client's token has expired, and no other one came.
    public static let authenticationExpired = Self(number: 4500, reason: "authentication expired")
    /// A token is needed, and none came in time.
    public static let unauthenticated = Self(number: 4500, reason: "authentication needed")
    public static let notAllowed = Self(number: 4501, reason: "not allowed")
    public static let limit = Self(number: 4502, reason: "rate or size limit")
    /// The feature was rolled back to polling.
    public static let rolledBack = Self(number: 4503, reason: "rolled back to polling")
}
