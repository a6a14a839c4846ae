import DoorbellCore

/// What each caller was told by its last poll of a URL, to see what the next one changes. Pure, bounded.
///
/// Two generations take the place of an ordered list: when the younger is full it becomes the older and the older is
/// forgotten, and whoever is asked for moves to the younger. So at least the last `capacity / 2` callers are remembered.
struct PollMemory {
    /// Stands for method, target and credentials; a hash, so that no credentials are kept.
    typealias Key = UInt64

    struct Entry: Equatable {
        /// Of the last answer with a body.
        var digest: UInt64?
        var position: Position?
    }

    private let generationSize: Int
    private var young: [Key: Entry] = [:]
    private var old: [Key: Entry] = [:]

    init(capacity: Int) { generationSize = max(1, capacity / 2) }

    var count: Int { young.count + old.count }

    struct Seen: Equatable {
        var isUnchanged: Bool
        /// Changes after the first position up to the second were shown by this answer first.
        var fresh: ClosedPositions?
    }

    /// After the first, up to and including the second.
    struct ClosedPositions: Equatable {
        var after: Position
        var through: Position
    }

    /// Notes an answer.
    ///
    /// - Parameters:
    ///   - digest: Of the body; `nil` for 304.
    ///   - position: Where the log stood before the legacy API was asked.
    mutating func saw(_ key: Key, digest: UInt64?, position: Position?) -> Seen {
        let before = young[key] ?? old.removeValue(forKey: key)
        var entry = Entry(digest: digest ?? before?.digest, position: position ?? before?.position)
        var fresh: ClosedPositions?
        if let last = before?.position, let position, last.epoch == position.epoch {
            // Answers of one caller may overtake each other.
            entry.position = max(last, position)
            if position > last { fresh = ClosedPositions(after: last, through: position) }
        }
        if young[key] == nil, young.count >= generationSize {
            old = young
            young = [:]
        }
        young[key] = entry
        return Seen(isUnchanged: digest == nil || digest == before?.digest, fresh: fresh)
    }
}
