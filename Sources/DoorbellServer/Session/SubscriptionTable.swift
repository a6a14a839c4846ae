import DoorbellCore

/// A session's subscriptions by channel, in one array: most clients have one or two, for which a dictionary takes twice the memory.
/// Looking one up takes time in proportion to their number, which ``SessionLimits/subscriptions`` bounds.
struct SubscriptionTable {
    private var entries: [(channel: ChannelName, subscription: Session.Subscription)] = []

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    /// In no order.
    var channels: some Sequence<ChannelName> { entries.lazy.map(\.channel) }

    subscript(channel: ChannelName) -> Session.Subscription? {
        get { index(of: channel).map { entries[$0].subscription } }
        set {
            switch (index(of: channel), newValue) {
            case (let index?, let subscription?): entries[index].subscription = subscription
            case (nil, let subscription?): entries.append((channel, subscription))
            case (let index?, nil): remove(at: index)
            case (nil, nil): break
            }
        }
    }

    /// - Returns: What was there.
    mutating func remove(_ channel: ChannelName) -> Session.Subscription? {
        index(of: channel).map { remove(at: $0) }
    }

    mutating func removeAll() { entries = [] }

    /// The channels of those that `isMeant` says, by name.
    func channels(where isMeant: (ChannelName, Session.Subscription) -> Bool) -> [ChannelName] {
        entries.filter { isMeant($0.channel, $0.subscription) }.map(\.channel).sorted { $0.rawValue < $1.rawValue }
    }

    func contains(where isMeant: (Session.Subscription) -> Bool) -> Bool {
        entries.contains { isMeant($0.subscription) }
    }

    private func index(of channel: ChannelName) -> Int? { entries.firstIndex { $0.channel == channel } }

    @discardableResult
    private mutating func remove(at index: Int) -> Session.Subscription {
        entries.swapAt(index, entries.count - 1)
        return entries.removeLast().subscription
    }
}
