import DoorbellCore
import DoorbellWire

/// `presence`: who is on a channel.
extension Session {
    /// Whoever is subscribed may know who else is.
    func presence(_ text: String, id: String?) -> [Action] {
        guard let channel = ChannelName(text), let subscription = subscriptions[channel], subscription.state == .live
        else {
            return [.send(.error(.notSubscribed, message: "subscribe first", id: id, channel: text))]
        }
        guard subscription.feature.presence else {
            let message = "feature '\(subscription.feature.name)' does not tell who is there"
            return [.send(.error(.notSupported, message: message, id: id, channel: text))]
        }
        return [.watchPresence(channel, id: id)]
    }
}
