import DoorbellCore
import DoorbellWire

/// What a reconnecting subscription knows: which channels it is on, how far, and where to resume. Pure.
struct SubscriptionTracker: Sendable {
    /// One subscription is a handful of channels; a server that names more than this is not believed.
    static let maximumChannels = 1024

    /// What a message means to the one who follows.
    enum Reading: Equatable, Sendable {
        case message
        case repeated
        case gap(known: Position, previous: Position)
        case subscribed
        /// Messages were lost: fetch again.
        case reset(reason: String)
        /// The subscription was refused or ended; the reason is for people.
        case refused(String, mayRetry: Bool)
        case goodbye(reconnectAfter: Duration?)
        case other
    }

    static let requestID = "follow"

    /// Where the first connection begins: `nil` is `latest`.
    private let since: String?
    private var chains: [String: ChannelChain] = [:]

    init(since: String?) { self.since = since }

    /// The `since` of the next `subscribe`. With several channels the least of their positions: something may then come twice
    /// (and is recognised), nothing is missed.
    var resumePoint: String? {
        let positions = chains.values.compactMap(\.known)
        guard positions.count == chains.count, let least = positions.min() else { return since }
        return least.description
    }

    mutating func receive(_ message: ReceivedMessage) -> Reading {
        let position = message.position.flatMap { Position($0) }
        switch message.type {
        case "subscribed":
            guard let channel = message.channel, admits(channel) else { return .other }
            let isResumed = since != nil || chains[channel] != nil
            // After a recovery the missed messages follow, so what was known stays the beginning.
            if message.recovered != true {
                chains[channel, default: ChannelChain()].restart(at: position)
                return isResumed ? .reset(reason: "the history is gone") : .subscribed
            }
            if chains[channel] == nil { chains[channel] = ChannelChain(known: since.flatMap { Position($0) }) }
            return .subscribed
        case "reset":
            guard let channel = message.channel, admits(channel) else { return .other }
            chains[channel, default: ChannelChain()].restart(at: position)
            return .reset(reason: message.reason ?? "no reason was given")
        case "conflated":
            if let channel = message.channel, let through = message.through.flatMap({ Position($0) }) {
                chains[channel]?.conflate(through: through)
            }
            return .other
        case "unsubscribed":
            if let channel = message.channel { chains[channel] = nil }
            return .refused("unsubscribed: \(message.reason ?? "no reason was given")", mayRetry: false)
        case "error":
            guard message.id == "\"\(Self.requestID)\"" else { return .other }
            let code = message.code.flatMap { ServerMessage.ErrorCode(rawValue: $0) }
            return .refused(
                [message.code, message.message].compactMap(\.self).joined(separator: ": "),
                mayRetry: code == .notLive || code == .upstreamUnavailable)
        case "goodbye":
            return .goodbye(reconnectAfter: message.reconnectAfter.map { .milliseconds(min(max(0, $0), 3_600_000)) })
        default:
            guard message.isPublication, let channel = message.channel, let position, admits(channel) else {
                return .other
            }
            let previous = message.previous.flatMap { Position($0) }
            switch chains[channel, default: ChannelChain()].receive(position: position, previous: previous) {
            case .next: return .message
            case .repeated: return .repeated
            case .gap(let known, let previous): return .gap(known: known, previous: previous)
            }
        }
    }

    private func admits(_ channel: String) -> Bool { chains[channel] != nil || chains.count < Self.maximumChannels }
}
