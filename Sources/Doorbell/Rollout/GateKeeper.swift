import DoorbellCapture
import DoorbellCore
import DoorbellRollout
import DoorbellShim
import Logging

/// Runs one feature's gate: gathers what it decides from, and does what it says.
///
/// Of several nodes the one that makes the ticks decides, from what it has seen itself. Should two think so for a moment, the
/// database takes the step of one: each names the revision that it was decided upon.
final class GateKeeper: Sendable {
    private struct State {
        var gate: Gate
        /// Where the feature stood when the window began.
        var rollout: Rollout
        var begun: Timestamp
        var parity: Parity.Counts
        var last: GateDecision?
        var checked: Timestamp
    }

    /// Until a step that could not be written is decided again.
    private static let pause = Duration.seconds(5)

    let feature: Feature
    let settings: GateSettings
    private let rollouts: RolloutBoard
    private let ledger: LedgerRecorder
    private let parity: ParityRecorder
    private let isDeciding: @Sendable () -> Bool
    private let state: Locked<State>
    /// Says when ``check(now:)`` is to be called: at the start, after each move, and when ``ring()`` was called.
    let wakes: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    init(
        _ feature: Feature, settings: GateSettings, rollouts: RolloutBoard, ledger: LedgerRecorder,
        parity: ParityRecorder, now: Timestamp, isDeciding: @escaping @Sendable () -> Bool
    ) {
        self.feature = feature
        self.settings = settings
        self.rollouts = rollouts
        self.ledger = ledger
        self.parity = parity
        self.isDeciding = isDeciding
        state = Locked(
            State(
                gate: Gate(feature, settings: settings), rollout: rollouts[feature.name] ?? feature.start, begun: now,
                parity: Parity.Counts(), checked: now))
        (wakes, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        bell.yield()
        // What was seen before the feature was moved is not to count.
        rollouts.observe { [bell, name = feature.name] moved in
            if moved.contains(where: { $0.name == name }) { bell.yield() }
        }
    }

    /// A check may be due.
    func ring() { bell.yield() }

    /// How long it is until the next check is due, when nobody moves the feature.
    func untilCheck(now: Timestamp) -> Duration {
        let due = state.withLock { $0.checked }.advanced(by: settings.interval)
        return .microseconds(max(0, due.microseconds - now.microseconds))
    }

    /// Looks whether it is time for a check, and checks then. To be called as ``wakes`` says.
    ///
    /// - Returns: What was decided and what for; `nil`: it is not time, or another node decides.
    func check(now: Timestamp) -> (decision: GateDecision, rollout: Rollout)? {
        let rollout = rollouts[feature.name] ?? feature.start
        return state.withLock { state in
            if state.rollout.entry?.revision != rollout.entry?.revision || !state.rollout.tellsTheSame(as: rollout) {
                // What was seen at another stage says nothing about this one.
                state.gate.moved()
                begin(&state, rollout, now)
                state.checked = now
            }
            // The clock was set back.
            if now < state.checked { state.checked = now }
            guard state.checked.advanced(by: settings.interval) <= now else { return nil }
            state.checked = now
            guard isDeciding() else { return nil }
            let decision = state.gate.decide(evidence(state, now), at: rollout)
            state.last = decision
            // Where the feature is moved a new window begins when it has been.
            if decision.verdict != .inconclusive, decision.rollout == nil { begin(&state, rollout, now) }
            return (decision, rollout)
        }
    }

    /// What was decided could not be written: it is decided again soon.
    func retry(now: Timestamp) {
        state.withLock { $0.checked = now.advanced(by: min(Self.pause, settings.interval) - settings.interval) }
    }

    func report(now: Timestamp) -> GateReport.Entry {
        let rollout = rollouts[feature.name] ?? feature.start
        return state.withLock { state in
            let next = state.checked.advanced(by: settings.interval).seconds(since: now)
            return GateReport.Entry(
                feature: feature.name, stage: rollout.description, isDeciding: isDeciding(), nextCheck: max(0, next),
                threshold: settings.threshold, last: state.last,
                now: state.gate.judge(evidence(state, now), at: rollout))
        }
    }

    private func begin(_ state: inout State, _ rollout: Rollout, _ now: Timestamp) {
        state.rollout = rollout
        state.begun = now
        state.parity = parity.counts(of: feature.name)
        ledger.beginWindow(of: feature.name)
    }

    private func evidence(_ state: State, _ now: Timestamp) -> GateEvidence {
        GateEvidence(
            seconds: max(0, now.seconds(since: state.begun)),
            parity: parity.counts(of: feature.name).since(state.parity), ledger: ledger.window(of: feature.name))
    }
}
