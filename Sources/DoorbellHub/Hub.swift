public import DoorbellCore

/// Fan-out for one node: which channels exist, what was published on them lately, and which shards must hear of it.
///
/// Imports: DoorbellCore. A hub knows no sockets and no database: it is driven by calls. Publishing happens on one thread
/// (capture's); subscribing happens on the event loops. The lock protects ``HubState`` only and is never held while a
/// subscriber is called.
public final class Hub: Sendable {
    private struct Shared {
        var state: HubState
        var shards: [ShardHandle] = []
    }

    private let shared: Locked<Shared>
    private let now: @Sendable () -> Timestamp

    /// - Parameter now: Wall clock, for the age of history.
    public init(limits: HubLimits = HubLimits(), now: @escaping @Sendable () -> Timestamp) {
        self.shared = Locked(Shared(state: HubState(limits: limits)))
        self.now = now
    }

    /// The position of the last change that the hub has seen; `nil` until the log is open. Whatever is asked of the legacy API
    /// after reading this cannot be older than it.
    public var head: Position? { shared.withLock { $0.state.head } }

    /// What every later publication is fanned out to. Call before the first publication.
    public func attach(_ shard: ShardHandle) { shared.withLock { $0.shards.append(shard) } }

    // MARK: Publishing (one thread)

    /// The log is open from `floor` on. A new epoch, or a floor past what was delivered, ends every channel's stream with a
    /// `reset`.
    public func open(floor: Position) {
        let (batch, shards) = shared.withLock { shared in
            (shared.state.open(floor: floor, now: now()), shared.shards)
        }
        send(batch, to: shards)
    }

    /// Publishes drafts in order and moves the head. Blocks while a shard has ``ShardHandle/maximumPending`` batches waiting.
    ///
    /// - Returns: What was published, for observers.
    @discardableResult
    public func publish(_ drafts: [Draft], head: Position) -> [Publication] {
        let (batch, shards) = shared.withLock { shared in
            (shared.state.publish(drafts, head: head, now: now()), shared.shards)
        }
        send(batch, to: shards)
        return batch
    }

    private func send(_ batch: [Publication], to shards: [ShardHandle]) {
        guard !batch.isEmpty else { return }
        for shard in shards { shard.enqueue(batch) }
    }

    // MARK: Subscribing (event loops, through a shard)

    func join(_ channel: ChannelName, feature: Feature, since: Since, limit: Int) -> Joined {
        shared.withLock { $0.state.join(channel, feature: feature, since: since, limit: limit, now: now()) }
    }

    func next(on channel: ChannelName, after position: Position, limit: Int, count: Int = .max) -> Joined {
        shared.withLock { $0.state.next(on: channel, after: position, limit: limit, count: count) }
    }

    func leave(_ channel: ChannelName) {
        shared.withLock { $0.state.leave(channel, now: now()) }
    }

    // MARK: Looking

    /// Commit times of the messages on `channel` after one position up to and including another, oldest first, as far as
    /// history goes.
    public func commits(on channel: ChannelName, after: Position, through: Position) -> [Timestamp] {
        shared.withLock { $0.state.commits(on: channel, after: after, through: through) }
    }

    /// What was published on `channel` after one position up to and including another (`nil`: up to now), oldest first; `nil` when
    /// history does not reach back so far, or there is more than `limit`.
    public func publications(
        on channel: ChannelName, after: Position, through: Position?, limit: Int
    ) -> [Publication]? {
        shared.withLock { $0.state.publications(on: channel, after: after, through: through, limit: limit) }
    }

    /// The newest position on `channel`, if history knows one.
    public func lastPosition(on channel: ChannelName) -> Position? {
        shared.withLock { $0.state.lastPosition(on: channel) }
    }

    /// When the newest message on any of `channels` was committed, if history has one.
    public func newestCommit(on channels: [ChannelName]) -> Timestamp? {
        shared.withLock { shared in channels.compactMap { shared.state.newestCommit(on: $0) }.max() }
    }

    /// Whether everything on `channel` after `position` is in its history.
    public func reaches(back position: Position, on channel: ChannelName) -> Bool {
        shared.withLock { $0.state.next(on: channel, after: position, limit: 0).recovered }
    }

    /// Whether nothing was published on `channels` after `position`. `false` also where history no longer knows, and for a position
    /// of another epoch.
    public func isUnchanged(_ channels: [ChannelName], since position: Position) -> Bool {
        shared.withLock { $0.state.isUnchanged(channels, since: position) }
    }

    /// Channels, messages and bytes held in memory.
    public var usage: HubUsage { shared.withLock { $0.state.usage } }

    /// Drops history that is too old and channels that nobody needs. Call about once a second.
    public func sweep() { shared.withLock { $0.state.sweep(now: now()) } }
}
