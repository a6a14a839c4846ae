import DoorbellClient
import DoorbellCore

/// What one client, following one channel through every disconnection, was told.
final class ChannelRecord: Sendable {
    struct State {
        var isSubscribed = false
        var messages: [ReceivedMessage] = []
        /// Gaps, resets and unrecovered subscriptions: anything that lost something.
        var losses: [String] = []
        var connections = 0
    }

    let channel: String
    private let state = Locked(State())

    init(channel: String) { self.channel = channel }

    var now: State { state.withLock { $0 } }

    func follow(_ url: String) -> Task<Void, any Error> {
        let session = DoorbellSession(
            url: url, target: .channel(channel),
            backoff: Backoff(first: .milliseconds(100), maximum: .milliseconds(400)))
        return Task { [self] in try await session.run { self.note($0) } }
    }

    private func note(_ event: DoorbellSession.Event) {
        state.withLock { state in
            switch event {
            case .connected: state.connections += 1
            case .subscribed(let message):
                if state.isSubscribed, message.recovered != true { state.losses.append("not recovered") }
                state.isSubscribed = true
            case .message(let message): state.messages.append(message)
            case .gap(let message, let known, let previous):
                state.losses.append("gap: \(known) then one after \(previous)")
                state.messages.append(message)
            case .reset(_, let reason): state.losses.append("reset: \(reason)")
            case .other, .disconnected: break
            }
        }
    }
}
