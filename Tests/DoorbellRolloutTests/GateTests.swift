import DoorbellCore
import Testing

@testable import DoorbellRollout

/// Transcripts of gates.
@Suite struct GateTests {
    private struct Trial {
        var gate: Gate
        var rollout: Rollout

        init(_ rollout: Rollout, _ change: (inout GateSettings) -> Void = { _ in }) throws {
            var settings = GateSettings()
            change(&settings)
            gate = Gate(Feature(name: "notes", poll: try PollPattern("GET /notes"), tables: []), settings: settings)
            self.rollout = rollout
        }

        /// Decides, and moves the feature as the database would.
        mutating func check(_ evidence: GateEvidence) -> String {
            let decision = gate.decide(evidence, at: rollout)
            if let target = decision.rollout {
                gate.moved()
                rollout = Rollout(target.stage, percent: target.percent, entry: entry(by: Gate.who))
            }
            return "\(decision.verdict.rawValue), \(decision.action.rawValue): \(rollout)"
        }

        func entry(by who: String) -> Rollout.Entry {
            Rollout.Entry(revision: 1, since: Timestamp(microseconds: 0), who: who, why: nil)
        }
    }

    private static func evidence(
        told: UInt64 = 40, missed: UInt64 = 0, spurious: UInt64 = 0, polls: UInt64 = 1000, errors: UInt64 = 0,
        pushed: UInt64 = 100, push: Double? = 0.01, poll: Double? = 2.5, connections: Int = 10, ended: UInt64 = 0
    ) -> GateEvidence {
        var evidence = GateEvidence(seconds: 60)
        evidence.parity.told = told
        evidence.parity.distinct = told
        evidence.parity.missed = missed
        evidence.parity.spurious = spurious
        evidence.polls = polls
        evidence.errors = errors
        evidence.changesPushed = pushed
        evidence.pushStaleness = push
        evidence.pollStaleness = poll
        evidence.connections = connections
        evidence.ended = ended
        return evidence
    }

    private static let good = evidence()
    private static let bad = evidence(missed: 1)
    private static let little = evidence(told: 3)

    @Test("what does well goes from shadow over the steps to push, and stays there")
    func promotes() throws {
        var trial = try Trial(Rollout(.shadow)) {
            $0.step = Percent(hundredths: 2000) ?? .all
            $0.max = Percent(hundredths: 5000) ?? .all
        }
        var transcript: [String] = []
        for _ in 0..<6 { transcript.append(trial.check(Self.good)) }
        #expect(
            transcript == [
                "successful, promote: canary 20 %", "successful, promote: canary 40 %",
                "successful, promote: canary 50 %",
                "successful, promote: push", "successful, hold: push", "successful, hold: push",
            ])
    }

    @Test("failed checks hold, and as many as the threshold roll back; then only a person moves it on")
    func rollsBack() throws {
        var trial = try Trial(Rollout(.canary, percent: Percent("30")))
        var transcript: [String] = []
        for evidence in [
            Self.bad, Self.bad, Self.good, Self.bad, Self.little, Self.bad, Self.bad, Self.good, Self.good,
        ] {
            transcript.append(trial.check(evidence))
        }
        #expect(
            transcript == [
                "failed, hold: canary 30 %", "failed, hold: canary 30 %", "successful, promote: canary 40 %",
                "failed, hold: canary 40 %", "inconclusive, hold: canary 40 %", "failed, hold: canary 40 %",
                "failed, rollback: shadow", "successful, hold: shadow", "successful, hold: shadow",
            ])
        trial.rollout = Rollout(.shadow, entry: trial.entry(by: "ann"))
        trial.gate.moved()
        #expect(trial.check(Self.good) == "successful, promote: canary 10 %")
    }

    @Test("a step that was decided and could not be written is decided again")
    func unwritten() throws {
        var gate = try Trial(Rollout(.push)) { $0.threshold = 2 }.gate
        let actions = (0..<4).map { _ in gate.decide(Self.bad, at: Rollout(.push)).action }
        #expect(actions == [.hold, .rollback, .rollback, .rollback])
        #expect(gate.decide(Self.good, at: Rollout(.canary, percent: .zero)).action == .promote)
    }

    @Test("push is rolled back, too")
    func rollsBackPush() throws {
        var trial = try Trial(Rollout(.push)) { $0.threshold = 1 }
        #expect(trial.check(Self.bad) == "failed, rollback: shadow")
    }

    @Test("shadow has nothing to be rolled back from, observe and retired are for people")
    func leftAlone() throws {
        for (rollout, expected) in [
            (Rollout(.shadow), "failed, hold: shadow"), (Rollout(.observe), "failed, hold: observe"),
            (Rollout(.retired), "failed, hold: retired"),
        ] {
            var trial = try Trial(rollout) { $0.threshold = 1 }
            for _ in 0..<3 { #expect(trial.check(Self.bad) == expected) }
        }
        var observed = try Trial(Rollout(.observe))
        #expect(observed.check(Self.good) == "successful, hold: observe")
    }

    @Test("a person who moves the feature begins the count anew")
    func moved() throws {
        var trial = try Trial(Rollout(.canary, percent: Percent("10"))) { $0.threshold = 2 }
        #expect(trial.check(Self.bad) == "failed, hold: canary 10 %")
        trial.rollout = Rollout(.canary, percent: Percent("50"), entry: trial.entry(by: "ann"))
        trial.gate.moved()
        #expect(trial.check(Self.bad) == "failed, hold: canary 50 %")
        #expect(trial.check(Self.bad) == "failed, rollback: shadow")
    }

    @Test("looking changes nothing")
    func judge() throws {
        let trial = try Trial(Rollout(.canary, percent: Percent("10"))) { $0.threshold = 1 }
        for _ in 0..<3 {
            let decision = trial.gate.judge(Self.bad, at: trial.rollout)
            #expect(decision.action == .rollback && decision.failures == 1 && decision.to == "shadow")
        }
        #expect(trial.gate.failures == 0)
    }

    @Test(
        "each condition by itself, in shadow and in canary",
        arguments: [
            ("changes", evidence(told: 19), .open, .open, "19 changes were compared (at least 20)"),
            ("missed", evidence(told: 99, missed: 1), .failed, .failed, "1 of 100 changes were missed (at most 0 %)"),
            (
                "spurious", evidence(told: 9, spurious: 10), .passed, .passed,
                "10 of 19 messages were for nothing (at most 50 %)"
            ),
            (
                "spurious", evidence(told: 40, spurious: 41), .failed, .failed,
                "41 of 81 messages were for nothing (at most 50 %)"
            ),
            ("errors", evidence(errors: 10), .passed, .passed, "10 of 1000 polls failed (at most 1 %)"),
            ("errors", evidence(errors: 11), .failed, .failed, "11 of 1000 polls failed (at most 1 %)"),
            ("errors", evidence(polls: 20, errors: 1), .passed, .passed, "1 of 20 polls failed (at most 1 %)"),
            ("errors", evidence(polls: 20, errors: 2), .failed, .failed, "2 of 20 polls failed (at most 1 %)"),
            ("errors", evidence(polls: 0, errors: 0), .passed, .passed, "0 of 0 polls failed (at most 1 %)"),
            ("clients", evidence(pushed: 0, push: nil), nil, .open, "0 messages to clients, 10 open"),
            ("staleness", evidence(push: 2.9), nil, .passed, "push p99 2.90 s (at most as polls wait, 3.00 s)"),
            ("staleness", evidence(push: 4.1, poll: 4), nil, .failed, "push p99 4.10 s (at most as polls, 4.00 s)"),
            (
                "staleness", evidence(pushed: 3, push: 60), nil, .open,
                "too few messages to measure how late they come"
            ),
            (
                "reconnects", evidence(ended: 30), nil, .passed,
                "subscriptions ended 3.0 times a client and minute (at most 3)"
            ),
            (
                "reconnects", evidence(ended: 31), nil, .failed,
                "subscriptions ended 3.1 times a client and minute (at most 3)"
            ),
            (
                "reconnects", evidence(connections: 0, ended: 4), nil, .passed,
                "too few clients to tell how often they come back"
            ),
            (
                "reconnects", evidence(connections: 0, ended: 9), nil, .failed,
                "subscriptions ended 9.0 times a client and minute (at most 3)"
            ),
        ] as [(String, GateEvidence, GateDecision.Check.Result?, GateDecision.Check.Result, String)])
    func conditions(
        _ name: String, _ evidence: GateEvidence, _ shadow: GateDecision.Check.Result?,
        _ canary: GateDecision.Check.Result, _ text: String
    ) throws {
        let gate = try Trial(Rollout(.shadow)).gate
        func check(_ rollout: Rollout) -> GateDecision.Check? {
            gate.judge(evidence, at: rollout).checks.first { $0.name == name }
        }
        #expect(check(Rollout(.shadow))?.result == shadow)
        let pushed = try #require(check(Rollout(.canary, percent: Percent("10"))))
        #expect(pushed.result == canary && pushed.text == text)
    }

    @Test("one change that many callers were shown is one change")
    func oneChange() throws {
        var evidence = Self.evidence(told: 500)
        evidence.parity.distinct = 1
        let decision = try Trial(Rollout(.shadow)).gate.judge(evidence, at: Rollout(.shadow))
        #expect(decision.verdict == .inconclusive && decision.checks[0].text.hasPrefix("1 changes were compared"))
    }

    @Test("a share is of as many as a check needs at least, so one of two changes is not yet half of all")
    func shares() throws {
        let gate = try Trial(Rollout(.shadow)) { $0.missed = Percent("5") ?? .zero }.gate
        func result(_ told: UInt64, _ missed: UInt64) -> GateDecision.Check.Result? {
            gate.judge(Self.evidence(told: told, missed: missed), at: Rollout(.shadow)).checks
                .first { $0.name == "missed" }?.result
        }
        #expect(result(1, 1) == .passed && result(0, 2) == .failed)
        #expect(result(95, 5) == .passed && result(94, 6) == .failed)
    }

    @Test("a limit for staleness may be set, and the step never goes past the maximum")
    func settings() throws {
        var trial = try Trial(Rollout(.canary, percent: Percent("95"))) {
            $0.staleness = .milliseconds(100)
            $0.max = .all
            $0.step = Percent(hundredths: 9000) ?? .all
        }
        #expect(trial.check(Self.evidence(push: 0.2)) == "failed, hold: canary 95 %")
        #expect(trial.check(Self.good) == "successful, promote: canary 100 %")
        #expect(trial.check(Self.good) == "successful, promote: push")
    }

    @Test("odd figures do no harm")
    func oddFigures() throws {
        let gate = try Trial(Rollout(.push)).gate
        var evidence = Self.evidence(polls: .max, errors: .max / 20_000, connections: -3, ended: .max)
        evidence.seconds = .infinity
        evidence.pushStaleness = .nan
        _ = gate.judge(evidence, at: Rollout(.push))
        evidence.seconds = 1e-9
        evidence.errors = .max
        #expect(gate.judge(evidence, at: Rollout(.push)).verdict == .failed)
    }

    @Test("the table and the explanation say what was done, what would be, and why")
    func texts() throws {
        var trial = try Trial(Rollout(.canary, percent: Percent("10")))
        let last = trial.gate.decide(Self.bad, at: trial.rollout)
        let entry = GateReport.Entry(
            feature: "notes", stage: trial.rollout.description, isDeciding: true, nextCheck: 23.4, threshold: 3,
            last: last, now: trial.gate.judge(Self.good, at: trial.rollout))
        var report = GateReport(gates: [entry])
        #expect(
            report.table == """
                feature  stage        last check  action  next check  why
                notes    canary 10 %  failed      hold    23.40 s     1 of 3 failed checks before it is rolled back

                """)
        #expect(
            report.explanation == """
                notes: canary 10 %, would move to canary 20 %: successful, all checks passed
                  passed 40 changes were compared (at least 20)
                  passed 0 of 40 changes were missed (at most 0 %)
                  passed 0 of 40 messages were for nothing (at most 50 %)
                  passed 0 of 1000 polls failed (at most 1 %)
                  passed 100 messages to clients, 10 open
                  passed push p99 10 ms (at most as polls wait, 3.00 s)
                  passed subscriptions ended 0.0 times a client and minute (at most 3)
                  from the last 60.00 s; next check in 23.40 s

                """)
        report.gates[0].isDeciding = false
        report.gates[0].last = nil
        #expect(report.table.contains("-           -       another node"))
        #expect(report.explanation.hasSuffix("  from the last 60.00 s on this node; another node decides\n"))
        #expect(GateReport(gates: []).explanation == "no feature has a gate\n")
    }

    @Test("a gate's figures begin anew by themselves, and the comparison keeps its own")
    func windows() {
        let recorder = LedgerRecorder(features: ["a", "b"], gated: ["a"]) { Timestamp(microseconds: 0) }
        for feature in ["a", "b"] {
            recorder.recordSubscribed(
                to: feature, cohort: .push, isFirst: true, isResumed: false, bytesUp: 1, bytesDown: 1)
            recorder.recordPush(of: feature, Ledger.Push(subscribers: 2, bytes: 1), staleness: [0.5])
            recorder.recordUnsubscribed(from: feature, cohort: .push, isLast: true, isLost: true)
            recorder.recordSubscribed(
                to: feature, cohort: .push, isFirst: true, isResumed: true, bytesUp: 1, bytesDown: 1)
            recorder.record(
                .init(isUnchanged: false, bytesUp: 1, bytesDown: 1, staleness: [2], isError: true), of: feature)
        }
        let window = recorder.window(of: "a")
        #expect(window.polls == 1 && window.errors == 1 && window.changesPolled == 1 && window.changesPushed == 2)
        #expect(window.connections == 1 && window.ended == 1)
        #expect(abs((window.pushStaleness ?? 0) - 0.5) < 0.01 && abs((window.pollStaleness ?? 0) - 2) < 0.01)
        #expect(recorder.window(of: "b") == Ledger.Window())
        recorder.beginWindow(of: "a")
        var fresh = Ledger.Window()
        fresh.connections = 1
        #expect(recorder.window(of: "a") == fresh)
        #expect(recorder.memory.minutes.flatMap(\.lines.values).reduce(0) { $0 + $1.requests } == 6)
    }
}
