public import DoorbellCore

/// Who polls and who is pushed to, of the features that push has begun for: a ``PollerLedger`` that many threads write to, beside the
/// clients that are pushed to now. One for a process.
///
/// Bounded: by the ledger's capacity, and by one small entry for each client that is connected and each feature that it is subscribed to.
public final class PollerBook: Sendable {
    private struct State {
        var ledger: PollerLedger
        /// How many connections a client has that are pushed the feature.
        var pushed: [PollerLedger.Key: Int] = [:]
    }

    private let state: Locked<State>

    public init(capacity: Int = 10_000) { state = Locked(State(ledger: PollerLedger(capacity: capacity))) }

    /// A connection of the client is pushed the feature from now on.
    public func began(_ key: PollerLedger.Key) { state.withLock { $0.pushed[key, default: 0] += 1 } }

    /// To be called once for each ``began(_:)``.
    public func ended(_ key: PollerLedger.Key) {
        state.withLock { state in
            guard let count = state.pushed[key] else { return }
            state.pushed[key] = count > 1 ? count - 1 : nil
        }
    }

    /// - Parameter isNeeded: The client could not know by what it is pushed: something was signalled since its last poll.
    /// - Returns: Whether it polled twice: by poll and by push.
    public func polled(_ key: PollerLedger.Key, agent: String?, isNeeded: Bool, at now: Timestamp) -> Bool {
        state.withLock { state in
            let isDouble = !isNeeded && state.pushed[key] != nil
            state.ledger.polled(key, agent: agent, isDouble: isDouble, at: now)
            return isDouble
        }
    }

    /// The ones that poll most often first, each with whether it is pushed the feature now.
    ///
    /// - Parameter feature: `nil`: of all features.
    public func pollers(
        of feature: String? = nil, now: Timestamp
    ) -> [(poller: PollerLedger.Poller, isPushed: Bool)] {
        let (ledger, pushed) = state.withLock { ($0.ledger, $0.pushed) }
        return ledger.pollers(of: feature, now: now).map { ($0, pushed[$0.key] != nil) }
    }
}
