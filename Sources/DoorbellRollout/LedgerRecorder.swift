import DoorbellCore

/// A ``Ledger`` that many threads write to. The lock protects the ledger only and is held for one entry.
public final class LedgerRecorder: Sendable {
    private let ledger: Locked<Ledger>
    /// What gates look at, of the features that have one; `nil`: none has.
    private let windows: Locked<Ledger>?

    /// - Parameters:
    ///   - features: Names, in the order of the table.
    ///   - gated: Those of them that ``window(of:)`` is asked for.
    public init(features: [String], gated: [String] = []) {
        ledger = Locked(Ledger(features: features))
        windows = gated.isEmpty ? nil : Locked(Ledger(features: gated))
    }

    public func record(_ poll: Ledger.Poll, of feature: String) { enter { $0.record(poll, of: feature) } }

    /// Messages that left together.
    ///
    /// - Parameters:
    ///   - bytes: Of all of them to all subscribers.
    ///   - staleness: For each message, seconds from commit to telling.
    public func recordPush(of feature: String, subscribers: Int, bytes: Int, staleness: [Double]) {
        enter { $0.recordPush(of: feature, subscribers: subscribers, bytes: bytes, staleness: staleness) }
    }

    public func recordSubscribed(to feature: String, bytesUp: Int, bytesDown: Int) {
        enter { $0.recordSubscribed(to: feature, bytesUp: bytesUp, bytesDown: bytesDown) }
    }

    public func recordUnsubscribed(from feature: String, isLost: Bool = true) {
        enter { $0.recordUnsubscribed(from: feature, isLost: isLost) }
    }

    private func enter(_ entry: (inout Ledger) -> Void) {
        ledger.withLock(entry)
        windows?.withLock(entry)
    }

    public var comparison: Comparison { ledger.withLock { $0 }.comparison }

    public func reset() { ledger.withLock { $0.reset() } }

    // MARK: Gates

    /// A feature's figures since ``beginWindow(of:)``.
    public func window(of feature: String) -> Ledger.Window {
        windows?.withLock { $0.window(of: feature) } ?? Ledger.Window()
    }

    public func beginWindow(of feature: String) { windows?.withLock { $0.reset(feature) } }
}
