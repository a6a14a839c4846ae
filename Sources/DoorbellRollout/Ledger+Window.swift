internal import Histogram

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

    public func window(of feature: String) -> Window {
        var window = Window()
        if let polls = account(feature, .poll) {
            window.polls = polls.requests
            window.errors = polls.errors
            window.changesPolled = polls.staleness.totalCount
            window.pollStaleness = Comparison.Row(feature, .poll, polls).staleness?.p99
        }
        if let push = account(feature, .push) {
            window.changesPushed = push.staleness.totalCount
            window.pushStaleness = Comparison.Row(feature, .push, push).staleness?.p99
            window.connections = push.connections
            window.ended = push.ended
        }
        return window
    }
}
