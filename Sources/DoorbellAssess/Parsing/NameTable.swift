/// A few names that are looked up by their hash, without making text. Case does not count for names given in lower case only if callers
/// fold it themselves.
struct NameTable<Value: Sendable>: Sendable {
    private var slots: [(hash: UInt64, value: Value)?]
    private let mask: Int

    init(_ entries: [(String, Value)]) {
        var size = 16
        while size < entries.count * 4 { size *= 2 }
        slots = Array(repeating: nil, count: size)
        mask = size - 1
        for (name, value) in entries {
            let hash = Array(name.utf8).withUnsafeBytes { FastHash.of($0) }
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != nil { slot = (slot + 1) & mask }
            slots[slot] = (hash, value)
        }
    }

    @inline(__always)
    func value(of hash: UInt64) -> Value? {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while let entry = slots[slot] {
            if entry.hash == hash { return entry.value }
            slot = (slot + 1) & mask
        }
        return nil
    }
}
