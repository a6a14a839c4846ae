import CoreMetrics
import DoorbellAuth
import DoorbellCore
import DoorbellHub
import NIOCore

/// What a client says that is kept in the database.
extension PushStream {
    /// Who the client is to its cursors. Asked for by the few that have some, so it is not kept.
    var cursorIdentity: String {
        session.identity.map { ClientIdentity.digest(subject: $0.subject) }
            ?? ClientIdentity.digest(credentials: headers)
    }

    func publish(_ outgoing: Session.Outgoing) {
        guard let publisher = core.publisher else { return published(outgoing, .notSupported) }
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        publisher.publish(outgoing.message, on: outgoing.channel, loop: channel.eventLoop).whenComplete { result in
            bound.value.published(outgoing, result.writeFailure)
        }
    }

    private func published(_ outgoing: Session.Outgoing, _ failure: WriteFailure?) {
        guard state == .open else { return }
        perform { $0.published(outgoing, failure) }
    }

    func open(_ key: CursorKey, at start: Position, token: Int) {
        guard let cursors = core.cursors else { return opened(.failure(.notSupported), of: key, token: token) }
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        cursors.open(key, at: start, loop: channel.eventLoop).whenComplete { result in
            bound.value.opened(result.mapError { $0 as? WriteFailure ?? .unavailable }, of: key, token: token)
        }
    }

    private func opened(_ result: Result<OpenedCursor, WriteFailure>, of key: CursorKey, token: Int) {
        guard state == .open else { return }
        perform(bytesUp: takeAskedBytes(of: token)) { $0.opened(result, of: key, token: token) }
    }

    func acknowledge(_ key: CursorKey, _ position: Position) {
        core.metrics.acknowledgements.increment()
        core.cursors?.acknowledge(key, position)
    }

    /// Also what comes after the first part of a long replay.
    func countRedelivery(_ join: Session.Join, _ joined: Joined) {
        let count =
            if joined.isComplete { joined.replay.count } else {
                core.hub.commits(on: join.channel, after: joined.position, through: core.hub.head ?? joined.joinedAt)
                    .count
            }
        core.metrics.redelivered.increment(by: count)
    }
}

extension Result where Success == Void {
    fileprivate var writeFailure: WriteFailure? {
        switch self {
        case .success: nil
        case .failure(let error): error as? WriteFailure ?? .unavailable
        }
    }
}
