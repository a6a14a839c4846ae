import DoorbellCore
import DoorbellWire

/// Stages and cohorts: which transport the client is told to use.
///
/// Whoever subscribes takes push for granted, so only what differs is told. A subscription lives on after `poll`: the client polls first
/// and unsubscribes then, so there is no gap.
extension Session {
    /// A subscription to a channel of `feature` has just begun.
    ///
    /// - Parameter usesPush: Whether the client is told to use push.
    mutating func joined(_ feature: Feature, usesPush: Bool) -> ServerMessage? { told(feature, usesPush: usesPush) }

    /// The stages of `features` may have changed, or who the client is; `nil`: of all.
    mutating func moved(_ features: [Feature]? = nil, usesPush: (Feature) -> Bool) -> [Action] {
        guard !isClosed, !subscriptions.isEmpty else { return [] }
        return (features ?? catalog.features).compactMap { feature in
            guard subscriptions.contains(where: { $0.feature === feature && $0.state == .live }) else {
                return nil
            }
            return told(feature, usesPush: usesPush(feature)).map { .send($0) }
        }
    }

    /// `nil`: it is no news.
    private mutating func told(_ feature: Feature, usesPush: Bool) -> ServerMessage? {
        let isNews =
            usesPush ? toldToPoll.remove(feature.name) != nil : toldToPoll.insert(feature.name).inserted
        return isNews ? .transport(feature: feature.name, use: usesPush ? .push : .poll) : nil
    }

    /// A subscription to a channel of `feature` has ended. After the last of them the client is told again when it comes back.
    mutating func forgetTransport(of feature: Feature) {
        guard !toldToPoll.isEmpty, !subscriptions.contains(where: { $0.feature === feature }) else { return }
        toldToPoll.remove(feature.name)
    }
}
