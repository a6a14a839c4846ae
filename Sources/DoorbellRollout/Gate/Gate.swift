public import DoorbellCore
internal import DoorbellReport

/// Moves one feature from `shadow` over rising percentages to `push`, and back to `shadow` when it does not do well. Pure.
///
/// - A check that is *successful* takes the next step.
/// - One that *failed* holds; ``GateSettings/threshold`` of them one after the other roll back. A feature that was rolled back stays
///   where it is until a person has moved it: what has failed would only fail again.
/// - One that is *inconclusive* holds, and its evidence is kept for the next one: a feature that changes rarely takes longer, and is not
///   let through with less.
///
/// It does nothing in `observe` and `retired`, which are for people.
public struct Gate: Sendable {
    /// Who did it, in the audit log.
    public static let who = "gate"

    public let feature: String
    public let settings: GateSettings
    /// What polls wait for, in seconds.
    private let interval: Double
    public private(set) var failures = 0

    public init(_ feature: Feature, settings: GateSettings) {
        self.feature = feature.name
        self.settings = settings
        self.interval = feature.interval / .seconds(1)
    }

    /// The feature was moved, by whomever: what failed before says nothing about where it is now.
    public mutating func moved() { failures = 0 }

    /// Checks, and counts the check.
    public mutating func decide(_ evidence: GateEvidence, at rollout: Rollout) -> GateDecision {
        let decision = judge(evidence, at: rollout)
        // Until the feature has been moved: writing that down may fail.
        failures = decision.failures
        return decision
    }

    /// What ``decide(_:at:)`` would do now.
    public func judge(_ evidence: GateEvidence, at rollout: Rollout) -> GateDecision {
        let checks = checks(evidence, isPushed: rollout.stage > .shadow)
        let verdict: GateDecision.Verdict =
            checks.contains { $0.result == .failed }
            ? .failed : checks.contains { $0.result == .open } ? .inconclusive : .successful
        let failures = verdict == .failed ? self.failures + 1 : verdict == .successful ? 0 : self.failures
        var decision = GateDecision(
            feature: feature, verdict: verdict, action: .hold, from: rollout.description, to: nil, reason: "",
            failures: failures, checks: checks, evidence: evidence)
        let (action, target, reason) = step(verdict, failures: failures, at: rollout)
        decision.action = action
        decision.to = target?.description
        decision.target = target.map { GateDecision.Target($0) }
        decision.reason = reason
        return decision
    }

    private func step(
        _ verdict: GateDecision.Verdict, failures: Int, at rollout: Rollout
    ) -> (GateDecision.Action, Rollout?, String) {
        switch rollout.stage {
        case .observe: return (.hold, nil, "a person moves it to shadow")
        case .retired: return (.hold, nil, "what is retired is moved by people")
        case .shadow, .canary, .push: break
        }
        if rollout.stage == .shadow, rollout.entry?.who == Self.who {
            return (.hold, nil, "it was rolled back; a person moves it on")
        }
        switch verdict {
        case .inconclusive: return (.hold, nil, "there is not enough to decide by")
        case .failed where failures < settings.threshold:
            return (.hold, nil, "\(failures) of \(settings.threshold) failed checks before it is rolled back")
        case .failed:
            if rollout.stage == .shadow { return (.hold, nil, "nobody is told to use push yet") }
            return (.rollback, Rollout(.shadow), "\(failures) checks failed, one after the other")
        case .successful:
            guard let next = next(after: rollout) else { return (.hold, nil, "everybody is told to use push") }
            return (.promote, next, "all checks passed")
        }
    }

    private func next(after rollout: Rollout) -> Rollout? {
        switch rollout.stage {
        case .shadow: return Rollout(.canary, percent: min(settings.step, settings.max))
        case .canary:
            let percent = rollout.percent ?? .zero
            if percent >= settings.max { return Rollout(.push) }
            let next = Percent(hundredths: min(percent.hundredths + settings.step.hundredths, 10_000)) ?? .all
            return Rollout(.canary, percent: min(next, settings.max))
        case .observe, .push, .retired: return nil
        }
    }

    // MARK: Checks

    private func checks(_ evidence: GateEvidence, isPushed: Bool) -> [GateDecision.Check] {
        let parity = evidence.parity
        let compared = parity.distinct + parity.missed
        var checks = [
            check(
                "changes", compared < UInt64(settings.minimum) ? .open : .passed,
                "\(compared) changes were compared (at least \(settings.minimum))"),
            share("missed", parity.missed, of: parity.changes, settings.missed, "changes were missed"),
            share(
                "spurious", parity.spurious, of: parity.told + parity.spurious, settings.spurious,
                "messages were for nothing"),
            share("errors", evidence.errors, of: evidence.polls, settings.errors, "polls failed"),
        ]
        guard isPushed else { return checks }
        checks.append(
            check(
                "clients", evidence.changesPushed == 0 ? .open : .passed,
                "\(evidence.changesPushed) messages to clients, \(evidence.connections) open"))
        checks.append(staleness(evidence))
        checks.append(reconnects(evidence))
        return checks
    }

    /// Fails when there are more than the limit allows of as many as a check needs: one of two is not yet half of all, and one is always
    /// allowed where any is.
    private func share(
        _ name: String, _ count: UInt64, of all: UInt64, _ limit: Percent, _ what: String
    ) -> GateDecision.Check {
        let least = limit == .zero ? 0 : (10_000 + limit.hundredths - 1) / limit.hundredths
        let allowed = Double(max(all, UInt64(max(settings.minimum, least)))) * Double(limit.hundredths)
        return check(
            name, Double(count) * 10_000 > allowed ? .failed : .passed,
            "\(count) of \(all) \(what) (at most \(limit) %)")
    }

    private func staleness(_ evidence: GateEvidence) -> GateDecision.Check {
        let polls = evidence.pollStaleness ?? 0
        let limit = settings.staleness.map { $0 / .seconds(1) } ?? max(polls, interval)
        let whose = settings.staleness != nil ? "" : polls > interval ? "as polls, " : "as polls wait, "
        guard let push = evidence.pushStaleness, evidence.changesPushed >= UInt64(settings.minimum) else {
            return check("staleness", .open, "too few messages to measure how late they come")
        }
        return check(
            "staleness", push > limit ? .failed : .passed,
            "push p99 \(Figures.duration(push)) (at most \(whose)\(Figures.duration(limit)))")
    }

    private func reconnects(_ evidence: GateEvidence) -> GateDecision.Check {
        let clients = max(evidence.connections, 0) + Int(clamping: evidence.ended)
        guard clients >= 5, evidence.seconds >= 10 else {
            return check("reconnects", .passed, "too few clients to tell how often they come back")
        }
        let rate = Double(evidence.ended) / Double(max(evidence.connections, 1)) / (evidence.seconds / 60)
        let tenths = Int((min(rate, 1e6) * 10).rounded())
        return check(
            "reconnects", rate > Double(settings.reconnects) ? .failed : .passed,
            "subscriptions ended \(tenths / 10).\(tenths % 10) times a client and minute (at most \(settings.reconnects))"
        )
    }

    private func check(_ name: String, _ result: GateDecision.Check.Result, _ text: String) -> GateDecision.Check {
        GateDecision.Check(name: name, result: result, text: text)
    }
}
