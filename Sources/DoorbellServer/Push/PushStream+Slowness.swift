import CoreMetrics
import DoorbellCore
import DoorbellWire

/// How one client read too slowly. Made when it first does.
final class Slowness {
    /// Subscriptions that fell behind, one after the other.
    var timesBehind = 0
    /// How often history did not reach back.
    var resets = 0
    /// Messages that were left out.
    var conflated = 0
}

extension PushStream {
    func noteSlowness(_ change: (Slowness) -> Void) {
        let slowness = slowness ?? Slowness()
        self.slowness = slowness
        change(slowness)
    }

    /// Tells the observer, of the feature that `channel` belongs to.
    func tellBuffers(on channel: ChannelName, _ note: (inout SendBuffers) -> Void) {
        guard let observer = core.observer, let feature = session.subscriptions[channel]?.feature else { return }
        var buffers = SendBuffers()
        note(&buffers)
        observer.buffered(feature: feature, cohort: cohort(of: feature), buffers)
    }

    /// Says that what comes next on `channel`, up to `through`, has holes that say nothing.
    func tellConflated(on channel: ChannelName, through: Position, dropped: Int) {
        noteSlowness { $0.conflated += dropped }
        if let feature = session.subscriptions[channel]?.feature {
            core.metrics[feature]?.conflated.increment(by: dropped)
        }
        tellBuffers(on: channel) { $0.conflated = UInt64(dropped) }
        let message = ServerMessage.conflated(channel: channel, through: through, dropped: dropped)
        append(carrier.encoded(message.encoded(), position: nil))
    }
}

@available(*, unavailable)
extension Slowness: Sendable {}
