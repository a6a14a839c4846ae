import DoorbellCapture
import DoorbellCore
import Foundation
import Logging

/// What this process and the legacy API use, by the operating system's count, and the database by its own.
final class UsageSampler: Sendable {
    private struct State {
        var service: Double
        var legacy: LegacyProcess.Usage?
        var database: LedgerStore.DatabaseCount?
        /// Complained about already.
        var isMissing = false
    }

    private let legacy: LegacyProcess?
    private let logger: Logger
    private let state: Locked<State>

    /// - Parameter legacy: `nil`: nobody said where it runs.
    init(legacy: LegacyProcess?, logger: Logger) {
        self.legacy = legacy
        self.logger = logger
        state = Locked(State(service: ProcessorClock.process, legacy: legacy?.usage))
    }

    /// Since the sample before.
    func sample() -> LedgerUsage {
        let service = ProcessorClock.process
        let found = legacy?.usage
        var usage = LedgerUsage()
        let isNews = state.withLock { state in
            usage.service = max(0, service - state.service)
            state.service = service
            usage.legacy = found?.seconds(since: state.legacy)
            state.legacy = found
            defer { state.isMissing = legacy != nil && found == nil }
            return legacy != nil && found == nil && !state.isMissing
        }
        if isNews, let legacy {
            logger.warning(
                "the legacy API's processor time is not counted", metadata: ["doorbell.reason": "\(legacy.trouble)"])
        }
        return usage
    }

    /// What the database has counted since it was asked before; `nil` the first time, and after its counters began anew.
    func since(_ count: LedgerStore.DatabaseCount) -> LedgerStore.DatabaseCount? {
        state.withLock { state in
            defer { state.database = count }
            return state.database.flatMap { count.since($0) }
        }
    }

    /// Bytes resident now.
    var memory: (service: UInt64?, legacy: UInt64?) {
        (LegacyProcess.residentBytes(of: getpid()), legacy?.usage?.memory)
    }
}

extension LedgerStore.DatabaseCount {
    /// `nil`: the counters began anew in between.
    func since(_ earlier: LedgerStore.DatabaseCount) -> LedgerStore.DatabaseCount? {
        func difference(_ now: UInt64?, _ before: UInt64?) -> UInt64? {
            guard let now, let before, now >= before else { return nil }
            return now - before
        }
        guard let transactions = difference(transactions, earlier.transactions) else { return nil }
        return LedgerStore.DatabaseCount(
            transactions: transactions, statements: difference(statements, earlier.statements))
    }
}
