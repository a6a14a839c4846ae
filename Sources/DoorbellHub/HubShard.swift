public import DoorbellCore

/// The subscribers of one event loop: channel → who is told.
///
/// Not Sendable: created and used on its loop only. What is published in one pass is told in runs (``MessageRun``): encoded once per
/// schema version (by whichever loop comes first), joined once, and handed to each subscriber as the same bytes. Each touched
/// subscriber is flushed once per pass, so several messages for one connection leave in one write.
///
/// A pass over many subscribers lets the loop do other things every ``stride`` of them.
///
/// Messages of a feature with a window are held until it closes (``BatchWindows``), then told as one message each channel.
public final class HubShard {
    /// What a subscriber that was behind is told next.
    public struct Resumed {
        public let messages: [EncodedMessage]
        /// What each message was made of.
        public let publications: [Publication]
        /// The position of each message.
        public var positions: [Position] { publications.map(\.position) }
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

    /// Everything up to here was told, or is held: what history has beyond it may still be on its way to subscribers of other channels.
    public private(set) var toldThrough: Position?
    /// Of ``touched``; then they are flushed before the end of the pass. 64 KiB.
    private static let maximumTouched = 4096

    private let hub: Hub
    private let encode: @Sendable (Publication, SchemaVersion) -> EncodedMessage
    private let observe: DeliveryObserver?
    private let join: @Sendable ([EncodedMessage]) -> [EncodedMessage]
    private let later: ((@escaping () -> Void) -> Void)?
    private let after: ((Duration, @escaping () -> Void) -> Void)?
    private let runLimit: Int
    private var channels: [ChannelName: Audience] = [:]
    /// Subscribers with something queued in this pass. Cleared at its end.
    private var touched: [any Subscriber] = []
    private var windows: BatchWindows
    /// Windows whose time has come while something else was being told.
    private var closing: [BatchWindows.Window] = []
    /// A pass has begun and not ended.
    private var isTelling = false
    /// What was to be delivered while the messages of a window were being told. The ``ShardHandle`` waits, so there is one at most.
    private var waiting: (batch: [Publication], done: () -> Void)?
    /// Runs of this pass that have not been told to everybody, by channel. Kept only where their order is not that of the positions, or
    /// where something may come in between.
    private var coming: [ChannelName: Int] = [:]

    /// - Parameters:
    ///   - runLimit: Bytes that are joined at most, by ``Publication/cost``; a single message may be longer. Default 64 KiB.
    ///   - join: Makes one message of several, or as few as there can be.
    ///   - later: Runs a closure on the loop after what is due there; `nil`: a pass is never interrupted.
    ///   - after: Runs a closure on the loop after a while; `nil`: nothing is held.
    public init(
        hub: Hub, encode: @escaping @Sendable (Publication, SchemaVersion) -> EncodedMessage, runLimit: Int = 64 << 10,
        join: @escaping @Sendable ([EncodedMessage]) -> [EncodedMessage] = { $0 },
        later: ((@escaping () -> Void) -> Void)? = nil,
        after: ((Duration, @escaping () -> Void) -> Void)? = nil, observe: DeliveryObserver? = nil
    ) {
        self.hub = hub
        self.encode = encode
        self.runLimit = runLimit
        self.join = join
        self.later = later
        self.after = after
        self.windows = BatchWindows(maximumLength: runLimit)
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
                isBehind: !joined.isComplete, joinedAt: joined.joinedAt))
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
            messages: next.replay.map { encoded($0, as: subscription.version) }, publications: next.replay,
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

// MARK: Windows

extension HubShard {
    /// Whether there is anything for which ``isHolding(_:)`` may be true.
    public var isHoldingAny: Bool { windows.count > 0 || !coming.isEmpty }

    /// Whether messages of `channel` are known here and have not been told to everybody: a position of another channel may be beyond
    /// theirs.
    public func isHolding(_ channel: ChannelName) -> Bool { windows.holds(channel) || coming[channel] != nil }

    /// Tells what is held, as soon as nothing else is being told.
    public func tellHeld() {
        closing += windows.open
        tellWaiting()
    }

    private func close(_ window: BatchWindows.Window) {
        closing.append(window)
        tellWaiting()
    }

    /// Takes those of `batch` that have to wait.
    ///
    /// - Returns: What is told now.
    private func hold(_ batch: [Publication]) -> [Run] {
        var others: [Publication] = []
        var due: [[Publication]] = []
        for publication in batch {
            guard publication.feature.batch > .zero else {
                others.append(publication)
                continue
            }
            // Whoever comes later reads it from history.
            guard channels[publication.channel] != nil else { continue }
            let held = windows.hold(publication)
            due += held.due
            if let window = held.opened {
                after?(publication.feature.batch) { [weak self] in self?.close(window) }
            }
        }
        return cut(others) + joined(due)
    }

    private func joined(_ due: [[Publication]]) -> [Run] { due.map { Run(publications: $0[...], isJoined: true) } }

    /// Tells what had to wait for the end of a pass.
    private func tellWaiting() {
        guard !isTelling else { return }
        let due = closing.flatMap { windows.close($0) }
        closing.removeAll()
        if !due.isEmpty {
            begin(joined(due), done: {})
        } else if let next = waiting {
            waiting = nil
            deliver(next.batch, done: next.done)
        }
    }
}

// MARK: Delivering

extension HubShard {
    /// Publications of one channel that follow each other; never none.
    private struct Run {
        let publications: ArraySlice<Publication>
        /// They were held, and are told as one message.
        var isJoined = false
        var channel: ChannelName { publications[publications.startIndex].channel }
        var first: Position { publications[publications.startIndex].position }
        var last: Position { publications[publications.endIndex - 1].position }
    }

    /// Where a pass stands.
    private struct Pass {
        /// In the order in which they are told.
        let runs: [Run]
        var nextRun = 0
        /// The audience of the run that is being told, and the first subscription that has not been.
        var audience: Audience?
        var nextSubscription = 0
        /// Of the batch that is told, its last position.
        var through: Position?
        /// Subscriptions that were looked at since the loop could do other things.
        var looked = 0
        /// The run in each version that was asked for so far.
        var made: [(version: SchemaVersion, run: MessageRun)] = []
        /// Those that joined in the middle of the run.
        var late: [any Subscriber] = []

        /// - Parameter runs: Those of one channel in order.
        init(_ runs: [Run]) {
            // What was held is older than its turn: whoever was told the last run was told everything up to its position.
            self.runs = runs.contains(where: \.isJoined) ? runs.sorted { $0.last < $1.last } : runs
        }

        /// Whether a run ends beyond the beginning of one that is told after it.
        var overlaps: Bool { zip(runs, runs.dropFirst()).contains { $0.last >= $1.first } }
    }

    /// Tells every subscriber of this loop. Called on the loop, by its ``ShardHandle``; not again before `done`.
    public func deliver(_ batch: [Publication], done: @escaping () -> Void = {}) {
        guard !isTelling else {
            waiting = (batch, done)
            return
        }
        let holds = after != nil && batch.contains { $0.feature.batch > .zero }
        begin(holds ? hold(batch) : cut(batch), through: batch.last?.position, done: done)
    }

    /// Cuts a batch where the channel changes, and where a run would be too long.
    private func cut(_ batch: [Publication]) -> [Run] {
        guard batch.count > 1 else { return batch.isEmpty ? [] : [Run(publications: batch[...])] }
        var runs: [Run] = []
        var start = 0
        var cost = batch[0].cost
        for index in 1..<batch.count {
            cost += batch[index].cost
            if cost > runLimit || batch[index].channel != batch[start].channel {
                runs.append(Run(publications: batch[start..<index]))
                start = index
                cost = batch[index].cost
            }
        }
        runs.append(Run(publications: batch[start...]))
        return runs
    }

    private func go(on given: Pass, done: @escaping () -> Void) {
        var pass = given
        while let run = pass.nextRun < pass.runs.count ? pass.runs[pass.nextRun] : nil {
            if pass.audience == nil, let audience = channels[run.channel] {
                audience.beginPass()
                pass.audience = audience
            }
            if let audience = pass.audience {
                tell(run, to: audience, &pass)
                if pass.nextSubscription < audience.subscriptions.count, let later {
                    return goOn(with: pass, done: done, later)
                }
                finish(run, audience, &pass)
            }
            if !coming.isEmpty { untrack(run.channel) }
            pass.nextRun += 1
            if pass.looked >= Self.stride, pass.nextRun < pass.runs.count, let later {
                return goOn(with: pass, done: done, later)
            }
        }
        flushTouched()
        if let through = pass.through { toldThrough = through }
        isTelling = false
        done()
        tellWaiting()
    }

    /// After what else the loop has to do.
    private func goOn(with pass: Pass, done: @escaping () -> Void, _ later: (@escaping () -> Void) -> Void) {
        if coming.isEmpty { track(pass.runs[pass.nextRun...]) }
        var rest = pass
        rest.looked = 0
        later { [rest] in self.go(on: rest, done: done) }
    }

    private func flushTouched() {
        for subscriber in touched { subscriber.flush() }
        touched.removeAll(keepingCapacity: true)
    }

    /// - Parameter through: The last position of a batch; `nil` for what was held.
    private func begin(_ runs: [Run], through: Position? = nil, done: @escaping () -> Void) {
        var pass = Pass(runs)
        pass.through = through
        isTelling = true
        if pass.overlaps { track(pass.runs[...]) }
        go(on: pass, done: done)
    }

    private func track(_ runs: ArraySlice<Run>) {
        for run in runs { coming[run.channel, default: 0] += 1 }
    }

    private func untrack(_ channel: ChannelName) {
        guard let count = coming[channel] else { return }
        coming[channel] = count > 1 ? count - 1 : nil
    }

    /// Tells the next ``stride`` subscribers, or all where nothing may come in between.
    private func tell(_ run: Run, to audience: Audience, _ pass: inout Pass) {
        let (first, last) = (run.first, run.last)
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
            let made = messages(of: run, as: subscriptions[index].version, &pass.made)
            tell(made, to: subscriber, audience, isLast: isLastRun)
        }
        pass.looked += max(0, end - pass.nextSubscription)
        pass.nextSubscription = end
    }

    private func tell(_ run: MessageRun, to subscriber: any Subscriber, _ audience: Audience, isLast: Bool) {
        if subscriber.enqueue(run, isLast: isLast) {
            guard !isLast else { return }
            touched.append(subscriber)
            // One that is told many runs stands here as often.
            if touched.count >= Self.maximumTouched { flushTouched() }
        } else if let index = audience.index(of: subscriber), let first = run.publications.first {
            // What came before the run was told.
            let joinedAt = audience.subscriptions[index].joinedAt
            audience.update(index, joinedAt: max(first.previous ?? joinedAt, joinedAt), isBehind: true)
            subscriber.fellBehind(on: first.channel, feature: first.feature)
        }
    }

    private func finish(_ run: Run, _ audience: Audience, _ pass: inout Pass) {
        observe?(run.publications)
        for subscriber in pass.late {
            guard let index = audience.index(of: subscriber), !audience.subscriptions[index].isBehind else { continue }
            let subscription = audience.subscriptions[index]
            let rest = run.publications.drop { $0.position <= subscription.joinedAt }
            guard !rest.isEmpty else { continue }
            var none: [(version: SchemaVersion, run: MessageRun)] = []
            let made = messages(
                of: Run(publications: rest, isJoined: run.isJoined), as: subscription.version, &none)
            tell(made, to: subscriber, audience, isLast: false)
            observe?(rest)
        }
        audience.endPass()
        pass.audience = nil
        pass.nextSubscription = 0
        pass.made.removeAll(keepingCapacity: true)
        pass.late.removeAll()
    }

    private func messages(
        of run: Run, as version: SchemaVersion,
        _ made: inout [(version: SchemaVersion, run: MessageRun)]
    ) -> MessageRun {
        if let known = made.first(where: { $0.version == version }) { return known.run }
        let messages = run.publications.map { encoded($0, as: version) }
        let fresh = MessageRun(publications: run.publications, messages: run.isJoined ? join(messages) : messages)
        made.append((version, fresh))
        return fresh
    }
}

@available(*, unavailable)
extension HubShard: Sendable {}
