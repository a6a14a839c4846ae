#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// How many different things were seen, estimated in 2 KiB (HyperLogLog with 2,048 registers: about 2.3 % off, nearly exact below 1,000).
struct DistinctCounter {
    private static let bits = 11
    private static let size = 1 << bits
    private var registers: [UInt8] = []

    /// - Parameter hash: Of what was seen.
    @inline(__always)
    mutating func insert(_ hash: UInt64) {
        // What is hashed here was made by folding; one more round spreads it over all bits.
        let spread = FastHash.mix(hash, 0x9E37_79B9_7F4A_7C15)
        if registers.isEmpty { registers = Array(repeating: 0, count: Self.size) }
        let slot = Int(truncatingIfNeeded: spread & UInt64(Self.size - 1))
        let rank = UInt8(truncatingIfNeeded: min((spread >> UInt64(Self.bits)).trailingZeroBitCount, 52) + 1)
        if rank > registers[slot] { registers[slot] = rank }
    }

    mutating func merge(_ other: DistinctCounter) {
        guard !other.registers.isEmpty else { return }
        guard !registers.isEmpty else {
            registers = other.registers
            return
        }
        for index in registers.indices { registers[index] = max(registers[index], other.registers[index]) }
    }

    var estimate: Int {
        guard !registers.isEmpty else { return 0 }
        let size = Double(Self.size)
        var sum = 0.0
        var empty = 0
        for register in registers {
            sum += exp2(-Double(register))
            if register == 0 { empty += 1 }
        }
        let raw = 0.7213 / (1 + 1.079 / size) * size * size / sum
        if raw <= 2.5 * size, empty > 0 { return Int((size * log(size / Double(empty))).rounded()) }
        return Int(raw.rounded())
    }
}
