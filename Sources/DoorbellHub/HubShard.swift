public import DoorbellCore

/// The subscribers of one event loop: channel → who is told.
///
/// Not Sendable: created and used on its loop only. What is published in one pass is told in runs (``MessageRun``): encoded once per
/// schema version (by whichever loop comes first), joined once, and handed to each subscriber as the same bytes. Each touched
/// subscriber is flushed once per pass, so several messages for one connection leave in one write.
///
/// A pass over many subscribers lets the loop do other things every ``stride`` of them.
public final class HubShard {
    /// What a subscriber that was behind is told next.
    public struct Resumed {
        public let messages: [EncodedMessage]
        /// The position of each message.
        public let positions: [Position]
        /// Messages up to the last of ``messages`` that were left out, because a newer one of the same row follows (`slow: conflate`).
        public let dropped: Int
        /// `false`: history does not reach back to where the subscriber was. It is live again from ``position`` on.
        public let recovered: Bool
        /// Whether the subscription is live again.
        public let isComplete: Bool
        public let position: Position
    }

    /// Told after publications of one channel were handed to subscribers, for metrics and the ledger.
    public typealias DeliveryObserver = (_ publications: ArraySlice<Publication>) -> Void

    /// Subscribers that are told before the loop may do something else: about a millisecond's worth.
    public static let stride = 256

    private let hub: Hub
    private let encode: @Sendable (Publication, SchemaVersion) -> EncodedMessage
    private let observe: DeliveryObserver?
    private let later: ((@escaping () -> Void) -> Void)?
    private let runLimit: Int
    private var channels: [ChannelName: Audience] = [:]
    /// Subscribers with something queued in this pass. Cleared at its end.
    private var touched: [any Subscriber] = []

    /// - Parameters:
    ///   - runLimit: Bytes that are joined at most, by ``Publication/cost``; a single message may be longer. Default 64 KiB.
    ///   - later: Runs a closure on the loop after what is due there; `nil`: a pass is never interrupted.
    public init(
        hub: Hub, encode: @escaping @Sendable (Publication, SchemaVersion) -> EncodedMessage, runLimit: Int = 64 << 10,
        later: ((@escaping () -> Void) -> Void)? = nil, observe: DeliveryObserver? = nil
    ) {
        self.hub = hub
        self.encode = encode
        self.runLimit = runLimit
        self.later = later
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
        let audience: Audience
        if let known = channels[channel] {
            audience = known
        } else {
            audience = Audience()
            channels[channel] = audience
        }
        audience.add(
            Audience.Subscription(
                subscriber: subscriber, version: version, conflates: feature.slow == .conflate,
                joinedAt: joined.joinedAt, isBehind: !joined.isComplete))
        return joined
    }

    /// What comes next, from history, for a subscriber that fell behind or whose replay was not complete. At its end the
    /// subscription is live again, with nothing missing or told twice.
    ///
    /// - Parameter limit: Bytes, by ``Publication/cost``; one message is given in any case.
    /// - Returns: `nil` when it is not subscribed or not behind.
    public func resume(_ subscriber: any Subscriber, on channel: ChannelName, limit: Int) -> Resumed? {
        guard let audience = channels[channel], let index = audience.index(of: subscriber) else { return nil }
        let subscription = audience.subscriptions[index]
        guard subscription.isBehind else { return nil }
        var next: Joined
        var dropped = 0
        if subscription.conflates {
            next = hub.next(on: channel, after: subscription.joinedAt, limit: .max, count: Conflation.window)
            let conflation = Conflation(of: next.replay, limit: limit)
            next.replay = conflation.kept
            dropped = conflation.dropped
            if !conflation.isWhole, let last = conflation.kept.last {
                next.isComplete = false
                next.joinedAt = last.position
            }
        } else {
            next = hub.next(on: channel, after: subscription.joinedAt, limit: limit)
        }
        audience.update(index, joinedAt: next.joinedAt, isBehind: !next.isComplete)
        return Resumed(
            messages: next.replay.map { encoded($0, as: subscription.version) }, positions: next.replay.map(\.position),
            dropped: dropped, recovered: next.recovered, isComplete: next.isComplete, position: next.position)
    }

    public func unsubscribe(_ subscriber: any Subscriber, from channel: ChannelName) {
        guard let audience = channels[channel], audience.remove(subscriber) else { return }
        if audience.isEmpty { channels[channel] = nil }
        hub.leave(channel)
    }

    /// The message in `version`, encoded at most once.
    public func encoded(_ publication: Publication, as version: SchemaVersion) -> EncodedMessage {
        publication.encoded(as: version, by: encode)
    }
}

// MARK: Delivering

extension HubShard {
    /// Where a pass stands.
    private struct Pass {
        /// Publications of one channel that follow each other, in the order in which they are told.
        let runs: [ArraySlice<Publication>]
        var nextRun = 0
        /// The audience of the run that is being told, and the first subscription that has not been.
        var audience: Audience?
        var nextSubscription = 0
        /// The run in each version that was asked for so far.
        var made: [(version: SchemaVersion, run: MessageRun)] = []
        /// Those that joined in the middle of the run.
        var late: [any Subscriber] = []
    }

    /// Tells every subscriber of this loop. Called on the loop, by its ``ShardHandle``; not again before `done`.
    public func deliver(_ batch: [Publication], done: @escaping () -> Void = {}) {
        go(on: Pass(runs: runs(of: batch)), done: done)
    }

    /// Cuts a batch where the channel changes, and where a run would be too long.
    private func runs(of batch: [Publication]) -> [ArraySlice<Publication>] {
        guard batch.count > 1 else { return batch.isEmpty ? [] : [batch[...]] }
        var runs: [ArraySlice<Publication>] = []
        var start = 0
        var cost = batch[0].cost
        for index in 1..<batch.count {
            cost += batch[index].cost
            if cost > runLimit || batch[index].channel != batch[start].channel {
                runs.append(batch[start..<index])
                start = index
                cost = batch[index].cost
            }
        }
        runs.append(batch[start...])
        return runs
    }

    private func go(on given: Pass, done: @escaping () -> Void) {
        var pass = given
        while let publications = pass.nextRun < pass.runs.count ? pass.runs[pass.nextRun] : nil {
            if pass.audience == nil, let audience = channels[publications[publications.startIndex].channel] {
                audience.beginPass()
                pass.audience = audience
            }
            if let audience = pass.audience {
                tell(publications, to: audience, &pass)
                if pass.nextSubscription < audience.subscriptions.count, let later {
                    let rest = pass
                    return later { self.go(on: rest, done: done) }
                }
                finish(publications, audience, &pass)
            }
            pass.nextRun += 1
        }
        for subscriber in touched { subscriber.flush() }
        touched.removeAll(keepingCapacity: true)
        done()
    }

    /// Tells the next ``stride`` subscribers, or all where nothing may come in between.
    private func tell(_ publications: ArraySlice<Publication>, to audience: Audience, _ pass: inout Pass) {
        guard let first = publications.first?.position, let last = publications.last?.position else { return }
        let isLastRun = pass.nextRun == pass.runs.count - 1
        // A copy, because a subscriber may end its own subscriptions while it is told.
        let subscriptions = audience.subscriptions
        let end = later == nil ? subscriptions.count : min(subscriptions.count, pass.nextSubscription + Self.stride)
        for index in pass.nextSubscription..<end {
            guard let subscriber = subscriptions[index].subscriber, !subscriptions[index].isBehind,
                last > subscriptions[index].joinedAt
            else { continue }
            guard first > subscriptions[index].joinedAt else {
                pass.late.append(subscriber)
                continue
            }
            let run = self.run(publications, as: subscriptions[index].version, &pass.made)
            tell(run, to: subscriber, audience, isLast: isLastRun)
        }
        pass.nextSubscription = end
    }

    private func tell(_ run: MessageRun, to subscriber: any Subscriber, _ audience: Audience, isLast: Bool) {
        if subscriber.enqueue(run, isLast: isLast) {
            if !isLast { touched.append(subscriber) }
        } else if let index = audience.index(of: subscriber), let first = run.publications.first {
            // What came before the run was told.
            let joinedAt = audience.subscriptions[index].joinedAt
            audience.update(index, joinedAt: max(first.previous ?? joinedAt, joinedAt), isBehind: true)
            subscriber.fellBehind(on: first.channel, feature: first.feature)
        }
    }

    private func finish(_ publications: ArraySlice<Publication>, _ audience: Audience, _ pass: inout Pass) {
        observe?(publications)
        for subscriber in pass.late {
            guard let index = audience.index(of: subscriber), !audience.subscriptions[index].isBehind else { continue }
            let subscription = audience.subscriptions[index]
            let rest = publications.drop { $0.position <= subscription.joinedAt }
            guard !rest.isEmpty else { continue }
            var none: [(version: SchemaVersion, run: MessageRun)] = []
            tell(run(rest, as: subscription.version, &none), to: subscriber, audience, isLast: false)
            observe?(rest)
        }
        audience.endPass()
        pass.audience = nil
        pass.nextSubscription = 0
        pass.made.removeAll(keepingCapacity: true)
        pass.late.removeAll()
    }

    private func run(
        _ publications: ArraySlice<Publication>, as version: SchemaVersion,
        _ made: inout [(version: SchemaVersion, run: MessageRun)]
    ) -> MessageRun {
        if let known = made.first(where: { $0.version == version }) { return known.run }
        let run = MessageRun(
            publications: publications, messages: publications.map { encoded($0, as: version) })
        made.append((version, run))
        return run
    }
}

@available(*, unavailable)
extension HubShard: Sendable {}
