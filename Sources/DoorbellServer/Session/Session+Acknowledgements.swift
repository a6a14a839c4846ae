import DoorbellCore
import DoorbellWire

/// At-least-once: a client that names itself has a durable cursor on each channel of a feature with `delivery: atLeastOnce`. It
/// begins with the first subscription, before anything is delivered; `ack` moves it; a subscription without `since` goes on from it.
extension Session {
    /// Of a subscription with a cursor. Replaced as a whole: a subscription without one pays a pointer.
    final class DurableCursor: Sendable {
        let key: CursorKey
        /// Acknowledgements up to here change nothing.
        let acknowledged: Position

        init(key: CursorKey, acknowledged: Position) {
            self.key = key
            self.acknowledged = acknowledged
        }
    }

    /// Joins at once, or asks for the client's cursor first.
    ///
    /// - Parameter position: Where the log stood before anything was asked.
    mutating func begin(_ join: Join, client: String?, position: Position) -> Action {
        guard let client, join.feature.delivery == .atLeastOnce else {
            subscriptions[join.channel]?.state = .live
            return .join(join)
        }
        let token = nextToken
        nextToken += 1
        // A stream that begins now begins where its cursor does, so that nothing falls between the two.
        // A client's own position may be anything.
        let start = join.since.flatMap { $0.epoch == position.epoch && $0 <= position ? $0 : nil } ?? position
        asks[token] = .cursor(join.start == .latest ? join.from(start) : join)
        subscriptions[join.channel]?.state = .opening(token: token)
        return .openCursor(token: token, client: client, channel: join.channel, at: start)
    }

    /// The cursor that was asked for by `token` is known, or is not to be had: then the client polls. To begin anywhere else would
    /// skip silently what the client is owed.
    mutating func opened(
        _ result: Result<OpenedCursor, WriteFailure>, of key: CursorKey, token: Int
    ) -> [Action] {
        guard !isClosed, case .cursor(let join)? = asks.removeValue(forKey: token),
            subscriptions[join.channel]?.state == .opening(token: token)
        else { return [] }
        switch result {
        case .failure(let failure):
            subscriptions[join.channel] = nil
            let (code, message) = Self.explain(failure)
            return [.send(.error(code, message: message, id: join.id, channel: join.channel.rawValue))]
        case .success(let cursor):
            subscriptions[join.channel]?.state = .live
            subscriptions[join.channel]?.cursor = DurableCursor(key: key, acknowledged: cursor.position)
            guard join.start == .latest, !cursor.isNew else { return [.join(join)] }
            return [.join(join.again(from: cursor.position))]
        }
    }

    /// Only forwards, and not past the log: what a client has of another log, or from the future, it cannot have seen here. Several
    /// connections of one client may share a cursor, so what this one was sent is no bound.
    mutating func acknowledge(_ text: String, _ position: Position, id: String?, head: Position?) -> [Action] {
        func refuse(_ code: ServerMessage.ErrorCode, _ message: String) -> [Action] {
            [.send(.error(code, message: message, id: id, channel: text))]
        }
        guard let channel = ChannelName(text), let subscription = subscriptions[channel], subscription.state == .live
        else { return refuse(.notSubscribed, "not subscribed") }
        guard subscription.feature.delivery == .atLeastOnce else { return [] }
        guard let cursor = subscription.cursor else {
            return refuse(.badRequest, "subscribe with a 'client' of your own, so that this can be remembered")
        }
        guard let head, position.epoch == head.epoch, position <= head else {
            return refuse(.badRequest, "'position' is not one of this log")
        }
        guard position > cursor.acknowledged else { return [] }
        subscriptions[channel]?.cursor = DurableCursor(key: cursor.key, acknowledged: position)
        return [.acknowledge(cursor.key, position)]
    }
}

extension Session.Join {
    /// The same with a place to begin, for a client that named none.
    func from(_ position: Position) -> Session.Join {
        Session.Join(
            channel: channel, feature: feature, version: version, since: position, start: start, id: id,
            snapshot: snapshot, snapshotAt: snapshotAt)
    }

    /// From the client's cursor: what is delivered was perhaps delivered before.
    func again(from cursor: Position) -> Session.Join {
        Session.Join(
            channel: channel, feature: feature, version: version, since: cursor, start: .position, id: id,
            snapshot: snapshot, snapshotAt: snapshotAt, isRedelivery: true)
    }
}
