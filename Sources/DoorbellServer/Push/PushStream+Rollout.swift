import DoorbellCore
import NIOCore

extension PushStream {
    /// Whether the client is told to use push, by stage and cohort.
    func usesPush(_ feature: Feature) -> Bool { core.rollouts.usesPush(feature, headers: headers, from: origin) }

    /// Stages have changed, or, without `features`, who the client is.
    func moved(_ features: [Feature]? = nil) {
        guard state == .open else { return }
        perform { $0.moved(features, usesPush: usesPush) }
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
