import DoorbellCore
import NIOCore

/// Who watches the presence of which channels, on one event loop. Lives on it.
final class PresenceWatchers {
    /// Watchers that are told in one go, before others have a turn on the loop.
    private static let portion = 256

    private var watchers: [ChannelName: [ObjectIdentifier: PushStream]] = [:]

    func add(_ stream: PushStream, _ channel: ChannelName) {
        watchers[channel, default: [:]][ObjectIdentifier(stream)] = stream
    }

    func remove(_ stream: PushStream, _ channel: ChannelName) {
        guard var others = watchers.removeValue(forKey: channel) else { return }
        others[ObjectIdentifier(stream)] = nil
        if !others.isEmpty { watchers[channel] = others }
    }

    /// Tells the watchers of each channel; succeeds when all have been told.
    func tell(_ told: [PresenceBoard.Told], on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        let pairs = told.flatMap { told in (watchers[told.channel] ?? [:]).values.map { ($0, told) } }
        tell(pairs[...], on: loop, promise)
        return promise.futureResult
    }

    private func tell(
        _ pairs: ArraySlice<(PushStream, PresenceBoard.Told)>, on loop: any EventLoop, _ promise: EventLoopPromise<Void>
    ) {
        for (stream, told) in pairs.prefix(Self.portion) { stream.presenceChanged(told) }
        let rest = pairs.dropFirst(Self.portion)
        guard !rest.isEmpty else { return promise.succeed() }
        let bound = NIOLoopBound((self, rest), eventLoop: loop)
        loop.execute {
            let (watchers, rest) = bound.value
            watchers.tell(rest, on: loop, promise)
        }
    }
}

@available(*, unavailable)
extension PresenceWatchers: Sendable {}
