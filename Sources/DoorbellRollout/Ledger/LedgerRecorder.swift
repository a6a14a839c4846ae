public import DoorbellCore

/// A ``Ledger`` that many threads write to, and its history. The lock protects the two only and is held for one entry.
public final class LedgerRecorder: Sendable {
    private struct State {
        var ledger: Ledger
        var history = LedgerHistory()
        /// Where what ``ledger`` counts began, seconds since 1970.
        var start: Int64
    }

    private let state: Locked<State>
    /// What gates look at, of the features that have one; `nil`: none has.
    private let windows: Locked<Ledger>?
    private let now: @Sendable () -> Timestamp
    /// When this process began to measure.
    public let begun: Timestamp

    /// - Parameters:
    ///   - features: Names, in the order of the configuration.
    ///   - gated: Those of them that ``window(of:)`` is asked for.
    ///   - now: Wall clock.
    public init(features: [String], gated: [String] = [], now: @escaping @Sendable () -> Timestamp) {
        let begun = now()
        self.begun = begun
        self.now = now
        state = Locked(State(ledger: Ledger(features: features), start: Self.begin(begun)))
        windows = gated.isEmpty ? nil : Locked(Ledger(features: gated))
    }

    private static func begin(_ moment: Timestamp) -> Int64 {
        LedgerHistory.begin(moment.microseconds / 1_000_000, LedgerHistory.step)
    }

    // MARK: Entries

    public func record(_ poll: Ledger.Poll, of feature: String) { enter { $0.record(poll, of: feature) } }

    /// Messages that left together.
    ///
    /// - Parameters:
    ///   - told: Of those that are told to use push.
    ///   - pollers: Of the others.
    ///   - staleness: For each message, seconds from commit to telling.
    public func recordPush(
        of feature: String, _ told: Ledger.Push, pollers: Ledger.Push = .nobody, staleness: some Collection<Double>
    ) {
        enter { $0.recordPush(of: feature, told, pollers: pollers, staleness: staleness) }
    }

    public func recordSubscribed(
        to feature: String, cohort: Ledger.Cohort, isFirst: Bool, isResumed: Bool, bytesUp: Int, bytesDown: Int
    ) {
        let now = now()
        enter {
            $0.recordSubscribed(
                to: feature, cohort: cohort, isFirst: isFirst, isResumed: isResumed, bytesUp: bytesUp,
                bytesDown: bytesDown, at: now)
        }
    }

    public func recordUnsubscribed(from feature: String, cohort: Ledger.Cohort, isLast: Bool, isLost: Bool) {
        let now = now()
        enter { $0.recordUnsubscribed(from: feature, cohort: cohort, isLast: isLast, isLost: isLost, at: now) }
    }

    public func recordMoved(of feature: String, to cohort: Ledger.Cohort, subscriptions: Int) {
        let now = now()
        enter { $0.recordMoved(of: feature, to: cohort, subscriptions: subscriptions, at: now) }
    }

    public func recordPushing(
        of feature: String, cohort: Ledger.Cohort, bytesUp: Int = 0, bytesDown: Int = 0, originRequests: Int = 0
    ) {
        enter {
            $0.recordPushing(
                of: feature, cohort: cohort, bytesUp: bytesUp, bytesDown: bytesDown, originRequests: originRequests)
        }
    }

    public func recordBuffers(of feature: String, cohort: Ledger.Cohort, _ buffers: SendBuffers) {
        enter { $0.recordBuffers(of: feature, cohort: cohort, buffers) }
    }

    private func enter(_ entry: (inout Ledger) -> Void) {
        state.withLock { entry(&$0.ledger) }
        windows?.withLock(entry)
    }

    // MARK: History

    /// An interval is over. To be called every ``LedgerHistory/step`` seconds.
    ///
    /// - Parameters:
    ///   - spent: Processor time of each path since the call before.
    ///   - usage: Since the call before.
    public func closeInterval(spent: [Ledger.Path: Double] = [:], usage: LedgerUsage = LedgerUsage()) {
        let now = now()
        state.withLock { state in
            state.ledger.spend(spent, at: now)
            state.history.add(
                LedgerHistory.Interval(
                    start: state.start, seconds: LedgerHistory.step, lines: state.ledger.take(at: now), usage: usage))
            state.start = Self.begin(now)
        }
    }

    /// The service ends: what the database has not got is all in ``pending`` then.
    public func closeAll() { state.withLock { $0.history.closeAll() } }

    /// What the database has not got, from old to new, and how many intervals were lost before it was back.
    public var pending: (intervals: [LedgerHistory.Interval], lost: Int) {
        state.withLock { ($0.history.pending, $0.history.lost) }
    }

    /// The first `count` of ``pending`` are in the database now.
    public func written(_ count: Int) { state.withLock { $0.history.written(count) } }

    /// What this process remembers, with what it counts now.
    public struct Memory: Sendable {
        public var fine: [LedgerHistory.Interval]
        public var minutes: [LedgerHistory.Interval]
        /// Nothing of this process from here on has to be looked up in the database.
        public var from: Int64
        /// Where ``fine`` begins to be whole.
        public var fineFrom: Int64
    }

    public var memory: Memory {
        let now = now()
        return state.withLock { state in
            let current = LedgerHistory.Interval(
                start: state.start, seconds: LedgerHistory.step, lines: state.ledger.counts(at: now))
            return Memory(
                fine: state.history.fine + [current], minutes: state.history.own() + [current],
                from: state.history.remembersFrom ?? LedgerHistory.begin(state.start, LedgerHistory.minute),
                fineFrom: state.history.fine.first?.start ?? state.start)
        }
    }

    // MARK: Gates

    /// A feature's figures since ``beginWindow(of:)``.
    public func window(of feature: String) -> Ledger.Window {
        windows?.withLock { $0.window(of: feature) } ?? Ledger.Window()
    }

    public func beginWindow(of feature: String) { windows?.withLock { $0.reset(feature) } }
}
