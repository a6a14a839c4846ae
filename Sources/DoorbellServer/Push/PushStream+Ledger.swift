import DoorbellCore
import DoorbellRollout

/// What one connection costs besides messages, by feature.
struct PushStanding {
    let feature: Feature
    /// What the client is told to use.
    var cohort: Ledger.Cohort
    var subscriptions: Int
}

extension PushStream {
    /// A subscription has begun.
    ///
    /// - Returns: Whether it is the connection's first to the feature.
    func began(_ feature: Feature, _ cohort: Ledger.Cohort) -> Bool {
        if let index = standings.firstIndex(where: { $0.feature === feature }) {
            note(feature, cohort)
            standings[index].subscriptions += 1
            return false
        }
        standings.append(PushStanding(feature: feature, cohort: cohort, subscriptions: 1))
        hasPollers = hasPollers || cohort == .poll
        return true
    }

    /// What the client is told to use, as far as it is pushed the feature.
    func note(_ feature: Feature, _ cohort: Ledger.Cohort) {
        guard let index = standings.firstIndex(where: { $0.feature === feature }), standings[index].cohort != cohort
        else { return }
        standings[index].cohort = cohort
        hasPollers = standings.contains { $0.cohort == .poll }
        core.observer?.moved(feature: feature, to: cohort, subscriptions: standings[index].subscriptions)
    }

    /// A subscription has ended.
    func ended(_ feature: Feature) {
        guard let index = standings.firstIndex(where: { $0.feature === feature }) else { return }
        settleCosts()
        standings[index].subscriptions -= 1
        let standing = standings[index]
        if standing.subscriptions == 0 {
            standings.remove(at: index)
            hasPollers = standings.contains { $0.cohort == .poll }
        }
        core.observer?.unsubscribed(
            feature: feature, cohort: standing.cohort, isLast: standing.subscriptions == 0, isLost: session.isClosed)
    }

    func cohort(of feature: Feature) -> Ledger.Cohort {
        guard hasPollers else { return .push }
        return standings.first { $0.feature === feature }?.cohort ?? .push
    }

    /// Bytes that belong to no message are shared by the features that the client is pushed.
    func settleCosts() {
        guard let observer = core.observer, costs.up > 0 || costs.down > 0, !standings.isEmpty else { return }
        let (up, down) = costs
        costs = (0, 0)
        for (index, standing) in standings.enumerated() {
            let isLast = index == standings.count - 1
            let (partUp, partDown) = (up / standings.count, down / standings.count)
            observer.pushing(
                feature: standing.feature, cohort: standing.cohort, bytesUp: isLast ? up - partUp * index : partUp,
                bytesDown: isLast ? down - partDown * index : partDown, originRequests: 0)
        }
    }
}
