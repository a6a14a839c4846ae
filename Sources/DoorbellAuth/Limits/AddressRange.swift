public import NIOCore

/// An IP address, or all that share its first bits: `192.0.2.0/24`, `2001:db8::/32`, `127.0.0.1`.
///
/// IPv4 addresses in IPv6 dress (`::ffff:192.0.2.1`) are IPv4 addresses.
public struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// The first bits; those after them are zero. IPv4 addresses stand in the last 32.
    let high: UInt64
    let low: UInt64
    let isIPv4: Bool
    /// Every connection keeps its address.
    private let packedLength: UInt8
    /// Of 32 for IPv4, of 128 for IPv6.
    var length: Int { Int(packedLength) }

    /// `nil` when the text is neither an address nor one with `/length`, or has bits set after its length.
    public init?(_ text: String) {
        let sides = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = try? SocketAddress(ipAddress: String(sides[0]), port: 0), let whole = Self(address) else {
            return nil
        }
        guard sides.count == 2 else {
            self = whole
            return
        }
        guard let length = Int(sides[1]), sides[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let range = whole.prefix(length), range.high == whole.high, range.low == whole.low
        else { return nil }
        self = range
    }

    /// The whole address; `nil` for one that is not IP.
    public init?(_ address: SocketAddress) {
        // By offset: where sockaddr_in and sockaddr_in6 have their address, on Linux and on macOS.
        switch address {
        case .v4:
            let word = address.withSockAddr { raw, _ in
                UnsafeRawPointer(raw).loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            }
            self.init(high: 0, low: UInt64(UInt32(bigEndian: word)), isIPv4: true, length: 32)
        case .v6:
            let words = address.withSockAddr { raw, _ in
                let raw = UnsafeRawPointer(raw)
                return (
                    raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                    raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                )
            }
            let (high, low) = (UInt64(bigEndian: words.0), UInt64(bigEndian: words.1))
            if high == 0, low >> 32 == 0xFFFF {
                self.init(high: 0, low: low & 0xFFFF_FFFF, isIPv4: true, length: 32)
            } else {
                self.init(high: high, low: low, isIPv4: false, length: 128)
            }
        case .unixDomainSocket: return nil
        }
    }

    private init(high: UInt64, low: UInt64, isIPv4: Bool, length: Int) {
        self.high = high
        self.low = low
        self.isIPv4 = isIPv4
        packedLength = UInt8(truncatingIfNeeded: length)
    }

    /// The range of the first bits; `nil` for a length that the kind does not have.
    func prefix(_ length: Int) -> AddressRange? {
        guard length >= 0, length <= self.length else { return nil }
        // Shifts of 64 and more give zero with Swift's `<<`.
        if isIPv4 {
            let mask = UInt64(0xFFFF_FFFF) << UInt64(32 - length) & 0xFFFF_FFFF
            return AddressRange(high: 0, low: low & mask, isIPv4: true, length: length)
        }
        let highMask = UInt64.max << UInt64(64 - min(length, 64))
        let lowMask = UInt64.max << UInt64(128 - max(length, 64))
        return AddressRange(high: high & highMask, low: low & lowMask, isIPv4: false, length: length)
    }

    func contains(_ other: AddressRange) -> Bool { isIPv4 == other.isIPv4 && other.prefix(length) == self }

    public var description: String {
        let groups = [high, low].flatMap { word in
            stride(from: 48, through: 0, by: -16).map { UInt16(truncatingIfNeeded: word >> UInt64($0)) }
        }
        if isIPv4 {
            let bytes = groups.suffix(2).flatMap { [$0 >> 8, $0 & 0xFF] }
            return bytes.map { String($0) }.joined(separator: ".") + (length < 32 ? "/\(length)" : "")
        }
        return groups.map { String($0, radix: 16) }.joined(separator: ":") + (length < 128 ? "/\(length)" : "")
    }
}
