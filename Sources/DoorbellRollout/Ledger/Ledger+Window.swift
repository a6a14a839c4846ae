import DoorbellCore

extension Ledger {
    /// What a gate looks at: a feature's figures since the ledger, or its part for this feature, began anew.
    public struct Window: Sendable, Hashable {
        public var polls: UInt64 = 0
        public var errors: UInt64 = 0
        public var changesPolled: UInt64 = 0
        /// Seconds, the 99th percentile; `nil` without changes.
        public var pollStaleness: Double?
        /// Messages, one for each client.
        public var changesPushed: UInt64 = 0
        /// Seconds, the 99th percentile; `nil` without messages.
        public var pushStaleness: Double?
        /// Subscriptions that are open.
        public var connections = 0
        public var ended: UInt64 = 0

        public init() {}
    }

    /// Of both cohorts; polls are those that are not held.
    public func window(of feature: String) -> Window {
        var window = Window()
        var polled = StalenessHistogram()
        var pushed = StalenessHistogram()
        for cohort in Cohort.allCases {
            for path in [Path.poll, .conditional] {
                guard let account = account(feature, cohort, path) else { continue }
                window.polls += account.counts.requests
                window.errors += account.counts.errors
                polled.add(account.counts.staleness)
            }
            guard let account = account(feature, cohort, .push) else { continue }
            pushed.add(account.counts.staleness)
            window.connections += account.subscriptions
            window.ended += account.ended
        }
        window.changesPolled = polled.count
        window.pollStaleness = polled.percentile(99)
        window.changesPushed = pushed.count
        window.pushStaleness = pushed.percentile(99)
        return window
    }
}
