public import DoorbellCore

/// A peer broke RFC 6455 or a limit. The connection is to be closed with ``code``, whose reason says what was wrong.
public struct WebSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    public let code: CloseCode

    public init(_ code: CloseCode) { self.code = code }

    static func protocolError(_ reason: String) -> Self { Self(CloseCode(number: 1002, reason: reason)) }

    public var description: String { "\(code.number) \(code.reason)" }
}
