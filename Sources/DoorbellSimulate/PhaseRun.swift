import DoorbellCore
import DoorbellTesting
import Foundation

/// One phase: starts its servers, connects its clients, measures, and ends them.
struct PhaseRun {
    let plan: SimulationPlan
    let kind: PhaseKind
    let site: SimulationSite
    /// Told what is done, how long until the phase is over, and the rate of late.
    let progress: @Sendable (_ activity: String, _ secondsLeft: Double, _ rate: Double?) -> Void

    /// Between two samples, in nanoseconds.
    private static let step: UInt64 = 250_000_000

    /// Seconds until every client has polled once, or its stream is at rest.
    private static func warmUp(_ plan: SimulationPlan, _ kind: PhaseKind) -> Double { kind.isPush ? 1 : plan.interval }
    /// Seconds that changes may still be seen after the measured time.
    private static func settling(_ plan: SimulationPlan, _ kind: PhaseKind) -> Double {
        kind.isPush ? 5 : 2 * plan.interval + 3
    }

    /// How long a phase takes, in seconds: an estimate for the progress bar.
    static func estimate(_ plan: SimulationPlan, _ kind: PhaseKind) -> Double {
        4 + Double(plan.clients) / 1500 + warmUp(plan, kind) + plan.duration + (kind.isPush ? 1 : plan.interval)
    }

    /// - Throws: ``DoorbellError`` when one of the processes fails; `CancellationError`. The site's children are ended either way.
    func run() async throws -> PhaseResult {
        do {
            let result = try await watched()
            await site.stopChildren()
            if kind.usesDoorbell { try await site.uninstallDoorbell() }
            return result
        } catch {
            // A process that died is the reason for whatever else went wrong; it may take a moment to show.
            await Task { try? await Task.sleep(for: .milliseconds(300)) }.value
            let death: (any Error)? = Result { try site.check() }.failure
            await Task { await site.stopChildren() }.value
            throw error is CancellationError ? error : death ?? error
        }
    }

    private func watched() async throws -> PhaseResult {
        try await withThrowingTaskGroup(of: PhaseResult?.self) { tasks in
            tasks.addTask { try await measure() }
            tasks.addTask {
                while true {
                    try await Task.sleep(for: .milliseconds(100))
                    try site.check()
                }
            }
            defer { tasks.cancelAll() }
            while let result = try await tasks.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    // MARK: Measuring

    private struct Process {
        let name: String
        let tree: ProcessTree
    }

    private func measure() async throws -> PhaseResult {
        progress("starting", Self.estimate(plan, kind), nil)
        try site.makeRows()
        let changes = ChangePlan(plan)
        let legacy = try await site.startLegacy(hasEntityTags: kind.sendsTags)
        var processes = [
            Process(name: "legacy API", tree: ProcessTree(legacy.child.processID)),
            Process(name: "PostgreSQL", tree: ProcessTree(site.postgres)),
        ]
        var port = legacy.port
        if kind.usesDoorbell {
            let doorbell = try await site.startDoorbell(kind, upstream: legacy.port)
            processes.append(Process(name: "Doorbell", tree: ProcessTree(doorbell.child.processID)))
            port = doorbell.port
        }
        let generator = ProcessUsage(getpid())
        let fleet = ClientFleet(plan, kind, port: port, book: PhaseBook(changes))
        do {
            let result = try await measure(fleet, changes, processes, generator)
            await fleet.close()
            return result
        } catch {
            await fleet.close()
            throw error
        }
    }

    private func measure(
        _ fleet: ClientFleet, _ changes: ChangePlan, _ processes: [Process], _ generator: ProcessUsage
    ) async throws -> PhaseResult {
        let warmUp = Self.warmUp(plan, kind)
        progress("connecting", warmUp + plan.duration + 2, nil)
        let opening = Moment.now
        try await fleet.open()
        let connecting = Moment.seconds(since: opening)
        fleet.begin()
        progress("warming up", warmUp + plan.duration + 2, nil)
        try await Task.sleep(for: .seconds(warmUp))

        let transactionsBefore = try site.transactions()
        let usedBefore = processes.map(\.tree.processorSeconds) + [generator.processorSeconds]
        let start = Moment.now
        let before = fleet.record.withLock { record in
            record.resetTimes()
            return record.traffic
        }
        let end = start + UInt64(plan.duration * 1e9)
        async let writing: Void = ChangeWriter(site.conninfo, changes).write(from: start, until: end) {
            number, moment in
            fleet.record.withLock { $0.book.committed(number, at: moment) }
        }
        let memory = try await sample(fleet, processes, generator, until: end)
        let seconds = Moment.seconds(since: start)
        let after = fleet.record.withLock { $0 }
        let used = processes.map(\.tree.processorSeconds) + [generator.processorSeconds]
        let transactions = try site.transactions() - transactionsBefore
        try await writing
        try await settle(fleet)

        let traffic = after.traffic - before
        let last = fleet.record.withLock { $0 }
        let names = processes.map(\.name) + [PhaseResult.generator]
        return PhaseResult(
            name: kind.name, isPush: kind.isPush, seconds: seconds, connections: after.open, lost: last.lost,
            connecting: connecting, requests: traffic.requests, unchanged: traffic.unchanged,
            failures: traffic.failures, skipped: traffic.skipped, bytesUp: traffic.bytesUp,
            bytesDown: traffic.bytesDown, transactions: transactions,
            usage: names.indices.map {
                Usage(
                    name: names[$0], cpuSeconds: max(0, used[$0] - usedBefore[$0]), peakMemory: memory[$0].peak,
                    meanMemory: memory[$0].mean)
            },
            changes: last.book.written, missed: last.book.outstanding, strangers: last.book.strangers,
            staleness: last.book.staleness, stalenessBuckets: last.book.stalenessBuckets,
            answerTime: kind.isPush ? nil : after.answerTime,
            generatorLateness: after.generatorLateness, radioShare: RadioEstimate.share(plan, kind))
    }

    /// Memory of each process, the load generator's last, until `end`.
    private func sample(
        _ fleet: ClientFleet, _ processes: [Process], _ generator: ProcessUsage, until end: UInt64
    ) async throws -> [MemorySamples] {
        var samples = Array(repeating: MemorySamples(), count: processes.count + 1)
        var last = (moment: Moment.now, requests: fleet.record.withLock { $0.traffic.requests })
        var rate: Double?
        while true {
            for (index, process) in processes.enumerated() { samples[index].add(process.tree.memory) }
            samples[processes.count].add(generator.residentMemory)
            let now = Moment.now
            if now >= end { return samples }
            if now - last.moment >= 1_000_000_000 {
                let requests = fleet.record.withLock { $0.traffic.requests }
                rate = Double(requests - last.requests) / (Double(now - last.moment) / 1e9)
                last = (now, requests)
            }
            progress("measuring", Double(end - now) / 1e9 + 1, rate)
            try await Task.sleep(for: .nanoseconds(min(Self.step, end - now)))
        }
    }

    /// Until every change was seen, or could have been.
    private func settle(_ fleet: ClientFleet) async throws {
        progress("settling", 1, nil)
        let deadline = Moment.now + UInt64(Self.settling(plan, kind) * 1e9)
        while fleet.record.withLock({ $0.book.outstanding }) > 0, Moment.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
