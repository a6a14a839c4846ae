/// The query keys of an endpoint, with what their values look like. At most 16 keys.
struct QueryKeys {
    private static let limit = 16
    private(set) var keys: [(name: String, value: String)] = []
    /// Sets of names that were looked at.
    private var seen: [UInt64] = []

    /// Whether these names were not looked at yet.
    @inline(__always)
    func isNew(_ names: UInt64) -> Bool { seen.count < Self.limit && !seen.contains(names) }

    mutating func add(_ target: [UInt8], names: UInt64) {
        seen.append(names)
        guard let mark = target.firstIndex(of: 0x3F) else { return }
        for pair in target[(mark + 1)...].prefix(1024).split(separator: 0x26).prefix(Self.limit) {
            let sides = pair.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(decoding: sides[0].prefix(40), as: UTF8.self)
            guard keys.count < Self.limit, !name.isEmpty, !keys.contains(where: { $0.name == name }) else { continue }
            let value = sides.count == 2 ? Array(sides[1]) : []
            keys.append((name, Array(name.utf8).withUnsafeBytes { Self.describe(value, of: $0) }))
        }
    }

    mutating func merge(_ other: QueryKeys) {
        for key in other.keys where keys.count < Self.limit && !keys.contains(where: { $0.name == key.name }) {
            keys.append(key)
        }
    }

    private static func describe(_ value: [UInt8], of name: UnsafeRawBufferPointer) -> String {
        value.withUnsafeBytes { value in
            if TargetReader.isVolatile(name) || TargetReader.changesByItself(value) { return "{changing}" }
            if TargetReader.isActionKey(name), TargetReader.isWord(value) {
                return String(decoding: value, as: UTF8.self)
            }
            switch SegmentClass(value) {
            case .identifier: return "{id}"
            case .date: return "{date}"
            case .literal where value.count <= 12 && TargetReader.isWord(value): return "{word}"
            default: return "{text}"
            }
        }
    }
}
