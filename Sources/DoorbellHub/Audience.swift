import DoorbellCore

/// Who is told of one channel on one loop, in one array. Lives on its shard's loop.
///
/// While a pass stands in the middle of the array, whoever leaves only leaves a gap, so that nobody is skipped or told twice.
final class Audience {
    /// One subscriber's interest in the channel.
    struct Subscription {
        /// `nil`: a gap.
        var subscriber: (any Subscriber)?
        let version: SchemaVersion
        /// Of what it is behind on it is told the newest message of each row only.
        let conflates: Bool
        /// Nothing is told live: what comes after ``joinedAt`` is read from history when the subscriber asks for it.
        var isBehind: Bool
        /// Publications up to here were told, were replayed, or came before the subscription.
        var joinedAt: Position
    }

    private(set) var subscriptions: [Subscription] = []
    private var gaps = 0
    private var isInPass = false

    var isEmpty: Bool { subscriptions.count == gaps }

    func add(_ subscription: Subscription) { subscriptions.append(subscription) }

    func index(of subscriber: any Subscriber) -> Int? {
        subscriptions.firstIndex { $0.subscriber === subscriber }
    }

    /// - Returns: `false` when it was not there.
    func remove(_ subscriber: any Subscriber) -> Bool {
        guard let index = index(of: subscriber) else { return false }
        if isInPass {
            subscriptions[index].subscriber = nil
            gaps += 1
        } else {
            subscriptions.swapAt(index, subscriptions.count - 1)
            subscriptions.removeLast()
        }
        return true
    }

    func update(_ index: Int, joinedAt: Position, isBehind: Bool) {
        subscriptions[index].joinedAt = joinedAt
        subscriptions[index].isBehind = isBehind
    }

    func beginPass() { isInPass = true }

    func endPass() {
        isInPass = false
        guard gaps > 0 else { return }
        subscriptions.removeAll { $0.subscriber == nil }
        gaps = 0
    }
}

@available(*, unavailable)
extension Audience: Sendable {}
