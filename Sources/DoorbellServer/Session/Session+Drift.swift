import DoorbellCore
import DoorbellWire

/// A client compares its state with a poll now and then, and says when they differed. It has mended itself by then: this is for people, who
/// look for a table that is not captured, or an `apply` that is wrong.
extension Session {
    mutating func drifted(on text: String, at position: Position, digest: String, id: String?) -> [Action] {
        guard let channel = ChannelName(text), let subscription = subscriptions[channel], subscription.state == .live
        else { return [.send(.error(.notSubscribed, message: "not subscribed", id: id, channel: text))] }
        return [.drifted(Drift(feature: subscription.feature, channel: channel, position: position, digest: digest))]
    }

    struct Drift: Equatable {
        let feature: Feature
        let channel: ChannelName
        /// Of the last message that the client had applied.
        let position: Position
        /// Of the state that was wrong, made as the client likes.
        let digest: String

        static func == (a: Drift, b: Drift) -> Bool {
            a.feature === b.feature && a.channel == b.channel && a.position == b.position && a.digest == b.digest
        }
    }
}
