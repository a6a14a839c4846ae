import DoorbellCore
import DoorbellRollout

/// Whose polls of one feature are compared: a sample, because comparing costs more than passing on. Pure, bounded.
///
/// Who is in stays for ``tenure``, so that its polls follow each other, and then makes room for somebody else: a fault may concern
/// some callers only.
struct ParityCallers {
    static let capacity = Parity.maximumCallers
    static let tenure: Duration = .seconds(600)

    private var since: [UInt64: Timestamp] = [:]

    /// Whether `caller`'s poll is compared; makes it one of the sample while there is room.
    mutating func takes(_ caller: UInt64, now: Timestamp) -> Bool {
        if since[caller] != nil { return true }
        guard since.count < Self.capacity else { return false }
        since[caller] = now
        return true
    }

    /// - Returns: Those whose time is over.
    mutating func sweep(now: Timestamp) -> [UInt64] {
        let over = since.filter { $0.value.advanced(by: Self.tenure) <= now }.map(\.key)
        for caller in over { since[caller] = nil }
        return over
    }
}
