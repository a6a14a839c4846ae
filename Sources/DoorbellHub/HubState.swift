internal import DequeModule
import DoorbellCore

/// The deciding part of ``Hub``: channels, positions, history. Pure; time is an argument.
///
/// Channels without a state (no subscriber, no history) share one floor, ``forgotten``: everything about them that is newer
/// has not happened, everything older may have and is gone.
struct HubState {
    /// An entry of the order in which messages were published, for leaving in that order. Stale when its message has left
    /// already by its channel's own bound.
    private struct Age {
        let channel: ChannelName
        let position: Position
        let expires: Timestamp
    }

    /// Entries of ``vacated`` that may be stale.
    static let vacatedSlack = 4096

    private let limits: HubLimits
    private var channels: [ChannelName: ChannelState] = [:]
    /// The features of channels that have subscribers, so that a reset can be told where there is no history.
    private var features: [ChannelName: Feature] = [:]
    private var order: Deque<Age> = []
    /// Channels whose last subscriber left, in the order of leaving. Stale when somebody came back.
    private(set) var vacated: Deque<(channel: ChannelName, since: Timestamp)> = []
    /// Channels with a ``ChannelState/vacantSince``.
    private var vacantCount = 0
    private var forgotten = Position(epoch: 0, tick: 0, seq: 0)
    private(set) var head: Position?
    private(set) var usage = HubUsage()

    init(limits: HubLimits) { self.limits = limits }

    // MARK: Publishing

    /// - Returns: The `reset` for each channel whose stream ends here; empty when the log simply goes on.
    mutating func open(floor: Position, now: Timestamp) -> [Publication] {
        if let head, head.epoch == floor.epoch, head >= floor { return [] }
        let begins = head == nil
        head = floor
        forgotten = floor
        guard !begins else { return [] }
        order.removeAll()
        usage.messages = 0
        usage.bytes = 0
        var resets: [Publication] = []
        for (name, var channel) in channels {
            guard let feature = channel.history.last?.feature ?? features[name] else { continue }
            channel.restart(at: floor)
            channels[name] = channel
            resets.append(
                Publication(
                    feature: feature, channel: name, position: floor, previous: nil, committedAt: now,
                    content: .reset(reason: "the change log began anew")))
        }
        channels = channels.filter { $0.value.subscribers > 0 }
        vacated.removeAll()
        vacantCount = 0
        usage.channels = channels.count
        return resets
    }

    mutating func publish(_ drafts: [Draft], head newHead: Position, now: Timestamp) -> [Publication] {
        var published: [Publication] = []
        published.reserveCapacity(drafts.count)
        for draft in drafts {
            switch draft.audience {
            case .channel(let name): published.append(publish(draft, on: name, now: now))
            case .matching(let templates):
                let names = channels.keys.filter { name in templates.contains { $0.match(name) != nil } }
                for name in names { published.append(publish(draft, on: name, now: now)) }
                forgotten = max(forgotten, draft.position)
            }
        }
        head = max(head ?? newHead, newHead)
        while usage.bytes > limits.historyBytes, evictOldest() {}
        return published
    }

    private mutating func publish(_ draft: Draft, on name: ChannelName, now: Timestamp) -> Publication {
        let limit = draft.feature.history
        let publication = change(name) { channel, usage in
            let publication = Publication(
                feature: draft.feature, channel: name, position: draft.position, previous: channel.last,
                committedAt: draft.committedAt, content: draft.content)
            channel.append(publication)
            usage.messages += 1
            usage.bytes += publication.cost
            while channel.history.count > max(limit.count, 0), let oldest = channel.evict() { usage.left(oldest) }
            return publication
        }
        order.append(Age(channel: name, position: draft.position, expires: now.advanced(by: limit.age)))
        // Stale entries are a channel's own evictions; without this a busy channel would leave one behind per message.
        if order.count > 2 * usage.messages + 4096 { order.removeAll(where: isStale) }
        return publication
    }

    // MARK: Subscribing

    /// - Parameter limit: Bytes of replay, by ``Publication/cost``; one message is given in any case.
    mutating func join(
        _ name: ChannelName, feature: Feature, since: Since, limit: Int = .max, now: Timestamp
    ) -> Joined {
        let channel = change(name) { channel, usage in
            channel.subscribers += 1
            usage.subscriptions += 1
            return channel
        }
        if channel.vacantSince != nil {
            vacantCount -= 1
            channels[name]?.vacantSince = nil
        }
        features[name] = feature
        return read(channel, since: since, limit: limit)
    }

    /// What a subscriber that is behind is told next.
    ///
    /// - Parameter count: Messages, at most.
    func next(on name: ChannelName, after position: Position, limit: Int, count: Int = .max) -> Joined {
        read(channels[name] ?? ChannelState(floor: forgotten), since: .position(position), limit: limit, count: count)
    }

    private func read(_ channel: ChannelState, since: Since, limit: Int, count: Int = .max) -> Joined {
        let head = self.head ?? forgotten
        let from: Position
        switch since {
        case .latest, .unknown: return Joined(position: head, recovered: false, replay: [], joinedAt: head)
        case .earliest: from = channel.floor
        case .position(let position):
            guard position.epoch == head.epoch, position >= channel.floor else {
                return Joined(position: head, recovered: false, replay: [], joinedAt: head)
            }
            from = position
        }
        var replay: [Publication] = []
        var bytes = 0
        for publication in channel.messages(after: from) {
            bytes += publication.cost
            if bytes > limit || replay.count >= count, let last = replay.last {
                return Joined(
                    position: from, recovered: true, replay: replay, isComplete: false, joinedAt: last.position)
            }
            replay.append(publication)
        }
        // Nothing missed: the newest position is as good as the old one, and stays recoverable for longer.
        let position = replay.isEmpty ? max(from, head) : from
        return Joined(position: position, recovered: true, replay: replay, joinedAt: max(from, head))
    }

    mutating func leave(_ name: ChannelName, now: Timestamp) {
        guard var channel = channels[name], channel.subscribers > 0 else { return }
        channel.subscribers -= 1
        usage.subscriptions -= 1
        if channel.subscribers == 0 {
            channel.vacantSince = now
            vacantCount += 1
            vacated.append((name, now))
            features[name] = nil
        }
        channels[name] = channel
        // Stale entries are channels that somebody came back to; busy ones would leave one behind per visit.
        if vacated.count > Self.vacatedSlack + 2 * channels.count {
            vacated.removeAll { channels[$0.channel]?.vacantSince != $0.since }
        }
        while vacantCount > max(0, limits.lingering), forgetLongestVacant() {}
    }

    // MARK: Forgetting

    mutating func sweep(now: Timestamp) {
        while let oldest = order.first, oldest.expires <= now || isStale(oldest) { evictOldest() }
        while let oldest = vacated.first, oldest.since.advanced(by: limits.linger) <= now {
            forgetLongestVacant()
        }
    }

    /// - Returns: `false` when no channel is vacant.
    @discardableResult
    private mutating func forgetLongestVacant() -> Bool {
        guard let oldest = vacated.popFirst() else { return false }
        if channels[oldest.channel]?.vacantSince == oldest.since {
            channels[oldest.channel]?.vacantSince = nil
            vacantCount -= 1
            forgetIfUnused(oldest.channel)
        }
        return true
    }

    /// - Returns: `false` when there is nothing left to evict.
    @discardableResult
    private mutating func evictOldest() -> Bool {
        guard let age = order.popFirst() else { return false }
        guard !isStale(age), let oldest = channels[age.channel]?.evict() else { return true }
        usage.left(oldest)
        forgetIfUnused(age.channel)
        return true
    }

    private func isStale(_ age: Age) -> Bool {
        guard let oldest = channels[age.channel]?.history.first else { return true }
        return oldest.position > age.position
    }

    private mutating func forgetIfUnused(_ name: ChannelName) {
        guard let channel = channels[name], channel.subscribers == 0, channel.vacantSince == nil,
            channel.history.isEmpty
        else { return }
        forgotten = max(forgotten, channel.floor)
        channels[name] = nil
        usage.channels -= 1
    }

    /// Changes the channel's state in the table, where it begins when it is not there.
    private mutating func change<Result>(
        _ name: ChannelName, _ body: (inout ChannelState, inout HubUsage) -> Result
    ) -> Result {
        let fresh = ChannelState(floor: forgotten)
        defer { usage.channels = channels.count }
        return body(&channels[name, default: fresh], &usage)
    }

    // MARK: Looking

    func commits(on name: ChannelName, after: Position, through: Position) -> [Timestamp] {
        guard let channel = channels[name] else { return [] }
        return channel.messages(after: after).prefix { $0.position <= through }.map(\.committedAt)
    }

    func publications(
        on name: ChannelName, after: Position, through: Position?, limit: Int
    ) -> [Publication]? {
        let channel = channels[name] ?? ChannelState(floor: forgotten)
        guard after.epoch == (head ?? forgotten).epoch, after >= channel.floor else { return nil }
        let newer = channel.messages(after: after)
        let wanted = through.map { through in newer.prefix { $0.position <= through } } ?? newer
        return wanted.count > limit ? nil : Array(wanted)
    }

    func lastPosition(on name: ChannelName) -> Position? { channels[name]?.last }

    func newestCommit(on name: ChannelName) -> Timestamp? { channels[name]?.history.last?.committedAt }

    func isUnchanged(_ names: [ChannelName], since position: Position) -> Bool {
        guard let head, head.epoch == position.epoch else { return false }
        return names.allSatisfy { name in
            guard let channel = channels[name] else { return position >= forgotten }
            return position >= channel.floor && channel.last.map { $0 <= position } ?? true
        }
    }
}

extension HubUsage {
    fileprivate mutating func left(_ publication: Publication) {
        messages -= 1
        bytes -= publication.cost
    }
}
