import DoorbellCore
import DoorbellWire

/// A client compares its state with a poll now and then, and says when they differed. It has mended itself by then: this is for people, who
/// look for a table that is not captured, or an `apply` that is wrong.
extension Session {
    mutating func drifted(on text: String, at position: Position, digest: String, id: String?) -> [Action] {
        guard let channel = ChannelName(text), let subscription = subscriptions[channel], subscription.state == .live
        else { return [.send(.error(.notSubscribed, message: "not subscribed", id: id, channel: text))] }
        return [.drifted(subscription.feature, channel, position, digest: digest)]
    }
}
