import DoorbellCore

/// A ``Ledger`` that many threads write to. The lock protects the ledger only and is held for one entry.
public final class LedgerRecorder: Sendable {
    private let ledger: Locked<Ledger>

    /// - Parameter features: Names, in the order of the table.
    public init(features: [String]) { ledger = Locked(Ledger(features: features)) }

    public func record(_ poll: Ledger.Poll, of feature: String) { ledger.withLock { $0.record(poll, of: feature) } }

    /// Messages that left together.
    ///
    /// - Parameters:
    ///   - bytes: Of all of them to all subscribers.
    ///   - staleness: For each message, seconds from commit to telling.
    public func recordPush(of feature: String, subscribers: Int, bytes: Int, staleness: [Double]) {
        ledger.withLock { $0.recordPush(of: feature, subscribers: subscribers, bytes: bytes, staleness: staleness) }
    }

    public func recordSubscribed(to feature: String, bytesUp: Int, bytesDown: Int) {
        ledger.withLock { $0.recordSubscribed(to: feature, bytesUp: bytesUp, bytesDown: bytesDown) }
    }

    public func recordUnsubscribed(from feature: String) { ledger.withLock { $0.recordUnsubscribed(from: feature) } }

    public var comparison: Comparison { ledger.withLock { $0 }.comparison }

    public func reset() { ledger.withLock { $0.reset() } }
}
