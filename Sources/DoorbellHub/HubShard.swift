public import DoorbellCore

/// The subscribers of one event loop: channel → who is told.
///
/// Not Sendable: created and used on its loop only. A publication is encoded once per schema version (by whichever loop comes
/// first) and handed to each subscriber as the same bytes; each touched subscriber is flushed once per batch, so several
/// messages for one connection leave in one write.
public final class HubShard {
    /// One subscriber's interest in one channel.
    private struct Subscription {
        let subscriber: any Subscriber
        let version: SchemaVersion
        /// Publications up to here were told, were replayed, or came before the subscription.
        var joinedAt: Position
        /// Nothing is told live: what comes after ``joinedAt`` is read from history when the subscriber asks for it.
        var isBehind: Bool
    }

    /// What a subscriber that was behind is told next.
    public struct Resumed {
        public let messages: [EncodedMessage]
        /// The position of each message.
        public let positions: [Position]
        /// `false`: history does not reach back to where the subscriber was. It is live again from ``position`` on.
        public let recovered: Bool
        /// Whether the subscription is live again.
        public let isComplete: Bool
        public let position: Position
    }

    /// Told after each publication was handed to subscribers: how many, for metrics and the ledger.
    public typealias DeliveryObserver = (_ publication: Publication, _ subscribers: Int) -> Void

    private let hub: Hub
    private let encode: @Sendable (Publication, SchemaVersion) -> EncodedMessage
    private let observe: DeliveryObserver?
    private var channels: [ChannelName: [Subscription]] = [:]
    /// Subscribers with something queued in this pass. Cleared at its end.
    private var touched: [any Subscriber] = []

    public init(
        hub: Hub, encode: @escaping @Sendable (Publication, SchemaVersion) -> EncodedMessage,
        observe: DeliveryObserver? = nil
    ) {
        self.hub = hub
        self.encode = encode
        self.observe = observe
    }

    /// Where a subscription would begin now. Nothing can come between this and ``subscribe(_:to:feature:version:since:)`` on the
    /// same loop that would be lost.
    public var head: Position? { hub.head }

    /// Joins a channel. Does not write: the caller sends `subscribed` first and then the replay, then live messages follow by
    /// themselves; or, when the replay is not complete, what ``resume(_:on:limit:)`` gives.
    ///
    /// The caller keeps a subscriber from joining a channel twice.
    ///
    /// - Parameter limit: Bytes of replay, by ``Publication/cost``; one message is given in any case.
    public func subscribe(
        _ subscriber: any Subscriber, to channel: ChannelName, feature: Feature, version: SchemaVersion, since: Since,
        limit: Int = .max
    ) -> Joined {
        let joined = hub.join(channel, feature: feature, since: since, limit: limit)
        channels[channel, default: []].append(
            Subscription(
                subscriber: subscriber, version: version, joinedAt: joined.joinedAt, isBehind: !joined.isComplete))
        return joined
    }

    /// What comes next, from history, for a subscriber that fell behind or whose replay was not complete. At its end the
    /// subscription is live again, with nothing missing or told twice.
    ///
    /// - Parameter limit: Bytes, by ``Publication/cost``; one message is given in any case.
    /// - Returns: `nil` when it is not subscribed or not behind.
    public func resume(_ subscriber: any Subscriber, on channel: ChannelName, limit: Int) -> Resumed? {
        guard let index = channels[channel]?.firstIndex(where: { $0.subscriber === subscriber }),
            let subscription = channels[channel]?[index], subscription.isBehind
        else { return nil }
        let next = hub.next(on: channel, after: subscription.joinedAt, limit: limit)
        channels[channel]?[index].joinedAt = next.joinedAt
        channels[channel]?[index].isBehind = !next.isComplete
        return Resumed(
            messages: next.replay.map { encoded($0, as: subscription.version) }, positions: next.replay.map(\.position),
            recovered: next.recovered, isComplete: next.isComplete, position: next.position)
    }

    public func unsubscribe(_ subscriber: any Subscriber, from channel: ChannelName) {
        guard var subscriptions = channels[channel],
            let index = subscriptions.firstIndex(where: { $0.subscriber === subscriber })
        else { return }
        channels[channel] = nil
        subscriptions.swapAt(index, subscriptions.count - 1)
        subscriptions.removeLast()
        if !subscriptions.isEmpty { channels[channel] = subscriptions }
        hub.leave(channel)
    }

    /// The message in `version`, encoded at most once.
    public func encoded(_ publication: Publication, as version: SchemaVersion) -> EncodedMessage {
        publication.encoded(as: version, by: encode)
    }

    /// Tells every subscriber of this loop. Called on the loop, by its ``ShardHandle``.
    public func deliver(_ batch: [Publication]) {
        for publication in batch { deliver(publication) }
        for subscriber in touched { subscriber.flush() }
        touched.removeAll(keepingCapacity: true)
    }

    private func deliver(_ publication: Publication) {
        guard let subscriptions = channels[publication.channel] else { return }
        var told = 0
        var last: (version: SchemaVersion, message: EncodedMessage)?
        for subscription in subscriptions
        where publication.position > subscription.joinedAt && !subscription.isBehind {
            let message: EncodedMessage
            if let last, last.version == subscription.version {
                message = last.message
            } else {
                message = encoded(publication, as: subscription.version)
                last = (subscription.version, message)
            }
            if subscription.subscriber.enqueue(message, of: publication) {
                touched.append(subscription.subscriber)
                told += 1
            } else {
                // What came before this one was told.
                setBehind(
                    subscription.subscriber, on: publication.channel,
                    after: max(publication.previous ?? subscription.joinedAt, subscription.joinedAt))
                subscription.subscriber.fellBehind(on: publication.channel, feature: publication.feature)
            }
        }
        observe?(publication, told)
    }

    private func setBehind(_ subscriber: any Subscriber, on channel: ChannelName, after position: Position) {
        guard let index = channels[channel]?.firstIndex(where: { $0.subscriber === subscriber }) else { return }
        channels[channel]?[index].joinedAt = position
        channels[channel]?[index].isBehind = true
    }
}

@available(*, unavailable)
extension HubShard: Sendable {}
