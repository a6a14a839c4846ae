import CoreMetrics
import DoorbellCapture
import DoorbellCore
import DoorbellRollout
import Foundation
import Logging
import NIOCore
import ServiceLifecycle

/// Lets the gates check at their intervals, writes their steps down and posts what they decide.
struct GateService: Service {
    /// So late is it noticed that the clock was set.
    private static let longestSleep = Duration.seconds(10)

    let keepers: [GateKeeper]
    let store: StageStore
    /// For the webhook.
    let group: any EventLoopGroup
    let logger: Logger

    func run() async throws {
        let webhook = GateWebhook(group: group, logger: logger)
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                for keeper in keepers { group.addTask { await run(keeper, webhook) } }
            }
        }
        try? await webhook.shutdown()
    }

    private func run(_ keeper: GateKeeper, _ webhook: GateWebhook) async {
        let loop = group.next()
        var told: GateDecision?
        var timer: Scheduled<Void>?
        for await _ in keeper.wakes {
            timer?.cancel()
            if let (decision, rollout) = keeper.check(now: SystemClock.now()) {
                await act(on: decision, at: rollout, keeper, webhook, &told)
            }
            let sleep = min(keeper.untilCheck(now: SystemClock.now()), Self.longestSleep)
            timer = loop.scheduleTask(in: TimeAmount(sleep + .milliseconds(1))) { keeper.ring() }
        }
        timer?.cancel()
    }

    private func act(
        on decision: GateDecision, at rollout: Rollout, _ keeper: GateKeeper, _ webhook: GateWebhook,
        _ told: inout GateDecision?
    ) async {
        Counter(
            label: "doorbell_gate_checks_total",
            dimensions: [("feature", decision.feature), ("verdict", decision.verdict.rawValue)]
        ).increment()
        if let target = decision.rollout, await !move(keeper, decision, from: rollout, to: target) {
            return keeper.retry(now: SystemClock.now())
        }
        // Waiting for evidence is told once.
        let isNews = told?.verdict != .inconclusive || decision.verdict != .inconclusive
        told = decision
        if isNews, let url = keeper.settings.webhook { await webhook.post(decision, to: url) }
    }

    /// - Returns: Whether it was moved.
    private func move(
        _ keeper: GateKeeper, _ decision: GateDecision, from rollout: Rollout, to target: Rollout
    ) async -> Bool {
        let evidence = String(decoding: (try? JSONEncoder().encode(decision)) ?? Data("{}".utf8), as: UTF8.self)
        let change = StageChange(
            feature: decision.feature, target: target, who: Gate.who, why: decision.reason,
            evidence: evidence.utf8.count <= StageChange.maximumEvidence ? evidence : nil,
            expected: rollout.entry?.revision ?? 0, initial: keeper.feature.start)
        do throws(DoorbellError) {
            try await store.moveSoon(change)
        } catch {
            logger.warning(
                "a gate could not move its feature",
                metadata: ["doorbell.feature": "\(decision.feature)", "doorbell.reason": "\(error)"])
            return false
        }
        logger.notice(
            "a gate moved its feature",
            metadata: [
                "doorbell.feature": "\(decision.feature)", "doorbell.from": "\(decision.from)",
                "doorbell.to": "\(target)", "doorbell.reason": "\(decision.reason)",
            ])
        return true
    }
}
