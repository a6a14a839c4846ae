/// Why no WebSocket was opened.
public enum ConnectError: Error, Sendable, CustomStringConvertible {
    /// Not a `ws`, `wss`, `http` or `https` URL.
    case invalidURL(String)
    /// The server answered with something other than 101.
    case refused(Refusal)
    /// The server's 101 breaks RFC 6455, section 4.1; the text says how.
    case invalidHandshake(String)
    /// No answer within the handshake timeout.
    case timedOut
    /// The connection was closed before the answer was complete.
    case closed

    /// An HTTP answer instead of an upgrade.
    public struct Refusal: Sendable {
        public let status: Int
        public let headers: [(name: String, value: String)]
        /// At most ``maximumBody`` bytes; what is longer is cut.
        public let body: [UInt8]

        /// 64 KiB.
        public static let maximumBody = 65536

        public init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
            self.status = status
            self.headers = headers
            self.body = body
        }

        /// The first header of this name, whatever its case.
        public func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
    }

    public var description: String {
        switch self {
        // What stands before an @ may be a password.
        case .invalidURL(let url) where url.contains("@"): "the URL must not have a user or a password"
        case .invalidURL(let url): "'\(url)' is not a ws, wss, http or https URL"
        case .refused(let refusal): "the server answered \(refusal.status) instead of opening a WebSocket"
        case .invalidHandshake(let reason): "the server's WebSocket handshake is wrong: \(reason)"
        case .timedOut: "the server did not answer in time"
        case .closed: "the server closed the connection before it answered"
        }
    }

    /// Whether trying again later can help.
    public var mayRetry: Bool {
        switch self {
        case .refused(let refusal): refusal.status >= 500 || [408, 425, 429].contains(refusal.status)
        case .timedOut, .closed: true
        case .invalidURL, .invalidHandshake: false
        }
    }
}
