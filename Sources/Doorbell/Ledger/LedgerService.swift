import DoorbellCapture
import DoorbellCore
import DoorbellRollout
import DoorbellServer
import Foundation
import Logging
import ServiceLifecycle

/// Closes the ledger's intervals, writes them to the database and makes reports of them.
final class LedgerService: Service {
    /// How long what was read of the database is used for another report of the same kind, seconds; nobody writes more often.
    private static let freshness = 60.0
    private static let maximumReads = 8

    let ledger: LedgerRecorder
    private let store: LedgerStore
    private let retention: Duration
    private let usage: UsageSampler
    private let clock: LoopClock?
    private let capture: CaptureClock
    private let radio: RadioSampler
    private let rollouts: RolloutBoard
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let state = Locked(State())

    private struct State {
        var reads: [ComparisonQuery: Read] = [:]
        /// Under way, and what leaves out of them: see ``Read/known``.
        var reading: [ComparisonQuery: (known: Int64, task: Task<Outcome, Never>)] = [:]
        var isUnreadable = false
        var isAway = false
        var lost = 0
        var counted: LedgerStore.DatabaseCount?
    }

    /// What was read, or what is known still, and what is missing then.
    private struct Outcome {
        var sum: ComparisonSum?
        var trouble: String?
    }

    private struct Read {
        let at: Timestamp
        /// From here on this process remembered everything of its own, which is not in ``sum``.
        let known: Int64
        /// `nil`: there was nothing.
        let sum: ComparisonSum?
    }

    /// - Parameters:
    ///   - retention: How long the database keeps what was counted.
    ///   - clock: Of the event loops; `nil`: processor time is not told apart.
    ///   - capture: Of capture's thread, whose time counts to push.
    init(
        ledger: LedgerRecorder, store: LedgerStore, retention: Duration, usage: UsageSampler, clock: LoopClock?,
        capture: CaptureClock = CaptureClock(), radio: RadioSampler = RadioSampler(),
        rollouts: RolloutBoard, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.ledger = ledger
        self.store = store
        self.retention = retention
        self.usage = usage
        self.clock = clock
        self.capture = capture
        self.radio = radio
        self.rollouts = rollouts
        self.logger = logger
        self.now = now
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            while (try? await Task.sleep(for: untilNextInterval)) != nil {
                closeInterval()
                // By the minute, and not by all nodes at once.
                if now().microseconds / 1_000_000 % Int64(LedgerHistory.minute) < Int64(LedgerHistory.step) {
                    await countDatabase()
                    await write()
                }
            }
        }
        closeInterval()
        ledger.closeAll()
        await write()
    }

    /// Intervals begin at the same moments on all nodes.
    private var untilNextInterval: Duration {
        let step = Int64(LedgerHistory.step) * 1_000_000
        return .microseconds(step - now().microseconds % step)
    }

    // MARK: Counting

    func closeInterval() {
        var used = usage.sample()
        var spent = clock?.take().paths ?? [:]
        spent[.push, default: 0] += capture.take()
        let counted = state.withLock { state in
            defer { state.counted = nil }
            return state.counted
        }
        used.transactions = counted?.transactions
        used.statements = counted?.statements
        ledger.closeInterval(spent: spent, usage: used)
    }

    func countDatabase() async {
        guard let count = try? await store.databaseCount(), let since = usage.since(count) else { return }
        state.withLock { $0.counted = since }
    }

    // MARK: The database

    func write() async {
        let (pending, lost) = ledger.pending
        let rows = pending.flatMap { interval in
            interval.lines.map { key, counts in
                LedgerRow(
                    start: interval.start, seconds: interval.seconds, feature: key.feature,
                    cohort: key.cohort.rawValue, path: key.path.rawValue, counts: counts)
            }
        }
        let used = pending.filter { !$0.usage.isEmpty }
            .map { LedgerUsageRow(start: $0.start, seconds: $0.seconds, usage: $0.usage) }
        do throws(DoorbellError) {
            try await store.write(rows, used, now: now(), retention: retention)
            ledger.written(pending.count)
            let wasAway = state.withLock { state in
                defer { state.isAway = false }
                return state.isAway
            }
            if wasAway { logger.info("the ledger is written again") }
        } catch {
            let isNews = state.withLock { state in
                defer { state.isAway = true }
                return !state.isAway
            }
            if isNews {
                logger.warning(
                    "the ledger cannot be written: it waits in memory", metadata: ["doorbell.reason": "\(error)"])
            }
        }
        let isLost = state.withLock { state in
            defer { state.lost = lost }
            return lost > state.lost
        }
        if isLost { logger.warning("a part of the ledger was lost: the database was away for too long") }
    }

    // MARK: Reports

    func report(_ query: ComparisonQuery) async -> ComparisonReport {
        let memory = ledger.memory
        let now = now()
        let others = await others(query, memory, now)
        var sum = others.sum ?? own(query, memory, now)
        for interval in sum.step < LedgerHistory.minute ? memory.fine : memory.minutes { sum.add(interval) }
        var report = sum.report(
            until: now, features: features, memory: usage.memory, radio: radio.usage(until: RadioSampler.now))
        report.trouble = others.trouble
        return report
    }

    private var begun: Int64 { ledger.begun.microseconds / 1_000_000 }

    /// Of this process alone: finer, as long as it has not run for long.
    private func own(_ query: ComparisonQuery, _ memory: LedgerRecorder.Memory, _ now: Timestamp) -> ComparisonSum {
        let from = max(begun, now.microseconds / 1_000_000 - query.seconds)
        let isFine = LedgerHistory.begin(from, LedgerHistory.step) >= memory.fineFrom
        return ComparisonSum(
            query, from: from, until: now, shortest: isFine ? LedgerHistory.step : LedgerHistory.minute)
    }

    /// What the database knows and this process does not remember, read once for all who ask meanwhile. `nil`: there is nothing, or it is away.
    private func others(
        _ query: ComparisonQuery, _ memory: LedgerRecorder.Memory, _ now: Timestamp
    ) async -> Outcome {
        let reading: Task<Outcome, Never> = state.withLock { state in
            let known = state.reads[query]
            // What was read leaves out what this process remembered then, and may have forgotten since.
            if let known, known.known == memory.from, (0..<Self.freshness).contains(now.seconds(since: known.at)) {
                return Task { Outcome(sum: known.sum) }
            }
            if let under = state.reading[query], under.known == memory.from { return under.task }
            let task = Task {
                let outcome = await self.read(query, memory, now, known: known)
                self.state.withLock { state in
                    if state.reading[query]?.known == memory.from { state.reading[query] = nil }
                }
                return outcome
            }
            state.reading[query] = (memory.from, task)
            return task
        }
        return await reading.value
    }

    private func read(
        _ query: ComparisonQuery, _ memory: LedgerRecorder.Memory, _ now: Timestamp, known: Read?
    ) async -> Outcome {
        let from = now.microseconds / 1_000_000 - query.seconds
        let sum = Locked<ComparisonSum?>(nil)
        do throws(DoorbellError) {
            let used = try await store.read(since: from, knownFrom: memory.from, feature: query.feature) {
                [begun] first in
                let from = max(from, min(first, begun))
                let age = now.microseconds / 1_000_000 - from
                let shortest = LedgerStore.levels.last { age > $0.age }?.seconds ?? LedgerHistory.minute
                sum.withLock { $0 = ComparisonSum(query, from: from, until: now, shortest: shortest) }
            } row: { row in
                guard let cohort = Ledger.Cohort(rawValue: row.cohort), let path = Ledger.Path(rawValue: row.path)
                else { return }
                sum.withLock { $0?.add(row.counts, of: Ledger.Key(row.feature, cohort, path), start: row.start) }
            }
            let whole = sum.withLock { sum in
                for row in used { sum?.add(row.usage, start: row.start) }
                return sum
            }
            state.withLock { state in
                if state.reads.count >= Self.maximumReads { state.reads = [:] }
                state.reads[query] = Read(at: now, known: memory.from, sum: whole)
                state.isUnreadable = false
            }
            return Outcome(sum: whole)
        } catch {
            let isNews = state.withLock { state in
                defer { state.isUnreadable = true }
                return !state.isUnreadable
            }
            if isNews {
                logger.warning(
                    "reports lack what the database has: it cannot be read", metadata: ["doorbell.reason": "\(error)"])
            }
            return Outcome(
                sum: known?.sum,
                trouble: "What the database has of before could not be read, and "
                    + (known == nil ? "is missing here" : "is shown as it was read earlier") + ": \(error.message)")
        }
    }

    private var features: [ComparisonReport.Feature] {
        rollouts.features.map { feature in
            let rollout = rollouts[feature.name] ?? feature.start
            return ComparisonReport.Feature(
                name: feature.name, poll: feature.poll.source, stage: rollout.stage.rawValue,
                percent: Double(rollout.share.hundredths) / 100,
                interval: feature.interval / .seconds(1))
        }
    }
}
