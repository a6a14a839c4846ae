public import NIOCore

/// How many connections each address has. Pure.
///
/// IPv6 addresses count by their first 64 bits, because a household has all the addresses behind those. An entry lives as long as
/// one of its connections, so there are never more entries than open connections; beyond
/// ``AddressLimitConfiguration/maximumAddresses`` addresses that are not known are refused.
public struct AddressLimits: Sendable {
    public enum Decision: Hashable, Sendable {
        /// Give the key back to ``AddressLimits/release(_:)`` when the connection ends; `nil`: it is not counted.
        case admitted(AddressRange?)
        /// The address has as many as it may have.
        case tooMany
        /// Too many addresses are known.
        case tableFull
    }

    public let configuration: AddressLimitConfiguration
    private var connections: [AddressRange: Int] = [:]
    /// Connections that were refused, since the start.
    public private(set) var refused = 0

    /// Addresses with a connection.
    public var addresses: Int { connections.count }
    /// Connections that are counted.
    public private(set) var counted = 0
    /// The most that one address has. Takes time in proportion to the addresses: for metrics, not for each connection.
    public var most: Int { connections.values.max() ?? 0 }

    public init(_ configuration: AddressLimitConfiguration = AddressLimitConfiguration()) {
        self.configuration = configuration
    }

    /// A connection was accepted. An address that is `nil`, or not IP, is not counted.
    public mutating func admit(_ address: SocketAddress?) -> Decision {
        guard let maximum = configuration.connectionsPerAddress, let address = address.flatMap(AddressRange.init),
            !configuration.unlimited.contains(where: { $0.contains(address) })
        else { return .admitted(nil) }
        let key = address.isIPv4 ? address : address.prefix(64) ?? address
        let count = connections[key] ?? 0
        guard count < maximum else {
            refused += 1
            return .tooMany
        }
        guard count > 0 || connections.count < configuration.maximumAddresses else {
            refused += 1
            return .tableFull
        }
        connections[key] = count + 1
        counted += 1
        return .admitted(key)
    }

    /// The connection has ended. Once for each admission.
    public mutating func release(_ key: AddressRange?) {
        guard let key, let count = connections[key] else { return }
        counted -= 1
        connections[key] = count > 1 ? count - 1 : nil
    }
}

/// Bounds of ``AddressLimits``.
public struct AddressLimitConfiguration: Sendable {
    /// Connections that one IPv4 address, or one IPv6 /64, may have. `nil`: any number. From 1, default 256: an office behind one
    /// address, and no botnet.
    public var connectionsPerAddress: Int? = 256
    /// Addresses that are not counted: this machine, and the proxies in front. Default `127.0.0.0/8` and `::1`.
    public var unlimited: [AddressRange] = ["127.0.0.0/8", "::1"].compactMap { AddressRange($0) }
    /// Addresses that are kept count of, 48 bytes each. Default 100,000.
    public var maximumAddresses = 100_000

    public init() {}

    /// Whether an address in text is one of ``unlimited``.
    public func isUnlimited(_ text: String) -> Bool {
        guard let address = AddressRange(text) else { return false }
        return unlimited.contains { $0.contains(address) }
    }

    /// What is wrong, as a sentence; `nil`: nothing.
    public var problem: String? {
        if let limit = connectionsPerAddress, limit < 1 { return "an address must be allowed one connection at least" }
        if maximumAddresses < 1 { return "one address at least must be kept count of" }
        return nil
    }
}
