public import DoorbellCore

/// The newest dead letters, and how many there ever were.
///
/// Bounded: at most ``capacity`` letters are kept, the oldest is dropped for a new one. Counts are kept for ever, one number
/// for each pair of feature and table, both of which come from the configuration.
public struct DeadLetterList: Sendable {
    /// Where letters come from.
    public struct Origin: Hashable, Sendable {
        public let feature: String
        public let table: QualifiedName?

        public init(feature: String, table: QualifiedName?) {
            self.feature = feature
            self.table = table
        }
    }

    /// Letters, at least 1.
    public let capacity: Int
    /// Letters since the list was made, dropped ones too.
    public private(set) var total = 0
    public private(set) var counts: [Origin: Int] = [:]
    /// A ring: once it is full, `next` is the oldest.
    private var ring: [DeadLetter] = []
    private var next = 0

    public init(capacity: Int = 256) {
        self.capacity = max(1, capacity)
    }

    public mutating func record(_ letter: DeadLetter) {
        total += 1
        counts[Origin(feature: letter.feature, table: letter.table), default: 0] += 1
        if ring.count < capacity {
            ring.append(letter)
        } else {
            ring[next] = letter
            next = (next + 1) % capacity
        }
    }

    /// Newest first.
    public var newest: [DeadLetter] { (ring[next...] + ring[..<next]).reversed() }
}
