import DoorbellAuth
import DoorbellCore
import DoorbellWire

/// Clients that publish: on channels of features that let them, and that they hear themselves, which is the right that the legacy
/// API gave them.
extension Session {
    /// A message on its way into the log.
    struct Outgoing: Equatable {
        let channel: ChannelName
        let message: DirectMessage
    }

    mutating func publish(_ data: [UInt8], on text: String, id: String?, position: Position?) -> [Action] {
        func refuse(_ code: ServerMessage.ErrorCode, _ message: String) -> [Action] {
            [.send(.error(code, message: message, id: id, channel: text))]
        }
        guard let channel = ChannelName(text), let feature = catalog.feature(owning: channel) else {
            return refuse(.unknownChannel, "no feature has this channel")
        }
        guard feature.publish == .subscribers else {
            return refuse(.notAllowed, "clients may not publish on channels of feature '\(feature.name)'")
        }
        guard subscriptions[channel]?.state == .live else {
            return refuse(.notSubscribed, "subscribe to a channel to publish on it")
        }
        guard data.count <= limits.publishSize else {
            return refuse(.limit, "'data' may have at most \(limits.publishSize) bytes")
        }
        // Readers that insist on Unicode would refuse the whole message, and with it a link of the channel's chain.
        guard !JSONScanner.hasLoneSurrogate(data), !JSONScanner.hasLoneSurrogate(Array((id ?? "").utf8)) else {
            return refuse(.badRequest, "half of a surrogate pair (\\uD800 to \\uDFFF) is not text")
        }
        guard position != nil else { return refuse(.notLive, "the change log is not open yet: try again") }
        guard pendingPublishes < limits.pendingPublishes else {
            return refuse(.limit, "at most \(limits.pendingPublishes) messages at a time may be waiting")
        }
        pendingPublishes += 1
        let message = DirectMessage(data: data, from: identity?.subject, session: self.id, id: id)
        return [.publish(Outgoing(channel: channel, message: message))]
    }

    /// What became of it; `nil`: it is in the log.
    mutating func published(_ outgoing: Outgoing, _ failure: WriteFailure?) -> [Action] {
        pendingPublishes -= 1
        guard !isClosed else { return [] }
        let id = outgoing.message.id
        guard let failure else { return [.send(.published(channel: outgoing.channel, id: id))] }
        let (code, message) = Self.explain(failure)
        return [.send(.error(code, message: message, id: id, channel: outgoing.channel.rawValue))]
    }

    static func explain(_ failure: WriteFailure) -> (ServerMessage.ErrorCode, String) {
        switch failure {
        case .notSupported: (.notSupported, "this server keeps nothing that clients say")
        case .overloaded: (.limit, "too many messages are waiting for the database: try again later")
        case .unavailable: (.unavailable, "the database was not reached in time: try again later")
        case .refused(let reason): (.badRequest, "the database refused it: \(reason)")
        case .uncertain: (.unavailable, "the database broke off: it may have been published, or not")
        }
    }
}
