import DoorbellCore
import DoorbellRollout

/// Whose polls of one feature are compared: a sample, because comparing costs more than passing on. Pure, bounded.
///
/// Who is in stays for ``tenure``, so that its polls follow each other, and then makes room for somebody else: a fault may concern
/// some callers only.
struct ParityCallers {
    static let capacity = Parity.maximumCallers
    static let tenure: Duration = .seconds(600)

    /// A caller that has not come again for as long makes room when there is none: its next poll looks like another's.
    static let patience: Duration = .seconds(60)

    private struct Stay {
        let since: Timestamp
        var hasReturned = false
    }

    private var stays: [UInt64: Stay] = [:]

    /// Whether `caller`'s poll is compared; makes it one of the sample while there is room.
    mutating func takes(_ caller: UInt64, now: Timestamp) -> Bool {
        if stays[caller] != nil {
            stays[caller]?.hasReturned = true
            return true
        }
        guard stays.count < Self.capacity else { return false }
        stays[caller] = Stay(since: now)
        return true
    }

    /// - Returns: Those whose time is over.
    mutating func sweep(now: Timestamp) -> [UInt64] {
        let isFull = stays.count >= Self.capacity
        let over = stays.filter { _, stay in
            let allowed = isFull && !stay.hasReturned ? Self.patience : Self.tenure
            return stay.since.advanced(by: allowed) <= now
        }.map(\.key)
        for caller in over { stays[caller] = nil }
        return over
    }
}
