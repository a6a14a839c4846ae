import DoorbellCore
import DoorbellRollout
import NIOCore

extension PushStream {
    // MARK: Who is pushed what

    /// A subscription to a channel of `feature` has begun.
    func beganPushing(_ feature: Feature) {
        guard let book = core.pollers, !pushed.contains(where: { $0.feature == feature.name }) else { return }
        let key = PollerLedger.Key(feature, headers: headers, from: origin)
        pushed.append(key)
        book.began(key)
    }

    /// A subscription to a channel of `feature` has ended.
    func endedPushing(_ feature: Feature) {
        guard let book = core.pollers, let index = pushed.firstIndex(where: { $0.feature == feature.name }),
            !session.subscriptions.contains(where: { $0.feature === feature && $0.state == .live })
        else { return }
        book.ended(pushed.remove(at: index))
    }

    /// The client is known by other credentials from now on.
    func changedCredentials() {
        let features = pushed.compactMap { key in core.catalog.features.first { $0.name == key.feature } }
        for key in pushed { core.pollers?.ended(key) }
        pushed = []
        for feature in features { beganPushing(feature) }
        moved()
    }

    // MARK: What it is told

    /// Whether the client is told to use push, by stage and cohort.
    func usesPush(_ feature: Feature) -> Bool { core.rollouts.usesPush(feature, headers: headers, from: origin) }

    /// Stages have changed, or, without `features`, who the client is.
    func moved(_ features: [Feature]? = nil) {
        guard state == .open else { return }
        perform {
            $0.moved(features) { feature in
                let usesPush = usesPush(feature)
                note(feature, usesPush ? .push : .poll)
                return usesPush
            }
        }
    }
}

/// Tells the clients of one event loop that stages have changed, a portion at a time, so that the loop stands still for nobody. Lives on
/// the loop.
final class RolloutRound {
    /// Clients that are told before others have a turn on the loop.
    private static let portion = 256

    private var left: ArraySlice<PushStream>
    private let features: [Feature]
    private let loop: any EventLoop

    init(_ features: [Feature], among streams: [PushStream], on loop: any EventLoop) {
        self.features = features
        self.left = streams[...]
        self.loop = loop
    }

    func step() {
        for stream in left.prefix(Self.portion) { stream.moved(features) }
        left = left.dropFirst(Self.portion)
        guard !left.isEmpty else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.step() }
    }
}

@available(*, unavailable)
extension RolloutRound: Sendable {}
