/// The version of the contract in PROTOCOL.md.
///
/// A field or a message type may be added within a version; nothing is removed or given a new meaning. What a peer does not
/// know it ignores.
///
/// - 1: the first release.
public struct ProtocolVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let number: Int

    /// What this build speaks.
    public static let current = ProtocolVersion(number: 1)

    /// The WebSocket subprotocol (RFC 6455, section 1.9) of this version, `doorbell.v1`. A client that offers no subprotocol
    /// gets the current version.
    public var subprotocol: String { "doorbell.v\(number)" }

    public static func < (a: ProtocolVersion, b: ProtocolVersion) -> Bool { a.number < b.number }
    public var description: String { String(number) }
}
